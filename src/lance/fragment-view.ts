/**
 * A fragment view: a scratch dataset on local disk whose only manifest names a few fragments of a table and points at the
 * table for their files. LanceDB opened on it sees exactly those fragments, with their own ids, so an index it builds there
 * holds the table's row addresses. The view lives in a folder of its own and goes with it.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SegmentdError } from '../lib/errors.ts';
import { decodeDataFragment, rebaseFragment } from './codec/data-fragment.ts';
import type { Manifest } from './codec/manifest.ts';
import { encodeViewManifest } from './codec/manifest.ts';
import { versionFileName } from './version-names.ts';

export const VIEW_TABLE = 'view';

export type FragmentView = AsyncDisposable & {
  /** LanceDB database that holds the one table `view`. */
  readonly database: string;
  /** Folder of that table. */
  readonly folder: string;
};

/**
 * Makes a view of `fragments` (ids) of the table at `tableUri` as of `manifest`, in a fresh folder below `scratchDir`.
 * Errors: build_stale when the manifest lacks a fragment, table_needs_migration when a fragment cannot be seen from outside.
 */
export async function openFragmentView(
  manifest: Manifest,
  tableUri: string,
  fragments: Iterable<number>,
  scratchDir: string,
): Promise<FragmentView> {
  const baseId = unusedBaseId(manifest);
  const messages = Array.from(fragments, (id) => viewOfFragment(manifest, id, baseId));
  const database = join(scratchDir, randomUUID());
  const folder = join(database, `${VIEW_TABLE}.lance`);
  const view: FragmentView = {
    database,
    folder,
    [Symbol.asyncDispose]: () => rm(database, { recursive: true, force: true }),
  };
  try {
    const versions = join(folder, '_versions');
    await mkdir(versions, { recursive: true });
    const base = { id: baseId, path: tableUri };
    const file = encodeViewManifest(manifest, { fragments: messages, base, timestampMs: Date.now() });
    await writeFile(join(versions, versionFileName('V2', 1)), file);
    return view;
  } catch (error) {
    await view[Symbol.asyncDispose]();
    throw new SegmentdError('build_failed', `cannot make a fragment view in ${scratchDir}`, { cause: error });
  }
}

function viewOfFragment(manifest: Manifest, id: number, baseId: number): Uint8Array {
  const position = manifest.fragments.indexOf(id);
  if (position < 0) throw new SegmentdError('build_stale', `version ${manifest.version} has no fragment ${id}`);
  const message = manifest.fragments.bytesOf(position);
  if (decodeDataFragment(message).hasExternalSequences) {
    throw new SegmentdError('table_needs_migration', `fragment ${id} keeps row sequences in files of its own`);
  }
  return rebaseFragment(message, baseId);
}

/** Ids are arbitrary; 0 is left out because Lance takes it for "assign one". */
function unusedBaseId({ basePaths }: Manifest): number {
  let id = 1;
  while (basePaths.some((base) => base.id === id)) id += 1;
  return id;
}
