/** Which Lance last wrote to a table: each commit of segmentd puts itself in its place. */
import { SegmentdError } from '../../lib/errors.ts';
import type { Manifest, WriterVersion } from '../codec/manifest.ts';
import type { LanceTable } from './table.ts';

/** Commits of segmentd that may stand in a row on top, such as a merge after a segment. */
const LOOK_BACK = 4;

/** The writer of the newest version that Lance wrote, or null when the last few are of others. Errors: store_*. */
export async function lastLanceOf(table: LanceTable, { version, writer }: Manifest): Promise<WriterVersion | null> {
  if (writer?.library === 'lance') return writer;
  for (let at = version - 1; at >= Math.max(1, version - LOOK_BACK); at--) {
    const before = await olderVersion(table, at);
    if (before?.writer?.library === 'lance') return before.writer;
  }
  return null;
}

/** An older version that cannot be read is passed over, as one that a cleanup deleted. */
async function olderVersion(table: LanceTable, version: number): Promise<Manifest | null> {
  try {
    return await table.at(version);
  } catch (error) {
    if (error instanceof SegmentdError && error.code.startsWith('table_')) return null;
    throw error;
  }
}
