/** A build that tells a table that moved under it from one that is damaged. */
import { SegmentdError } from '../../lib/errors.ts';
import type { Manifest } from '../codec/manifest.ts';
import type { Build, BuildPurpose, SegmentBuilder, SegmentRequest } from '../segment.ts';
import { refuseLostFiles } from '../table/lost-files.ts';
import type { LanceTable } from '../table/table.ts';

/**
 * What the builder builds, which may be less than what was asked for, or null when a cleanup deleted a file of the table under it. Errors: as `build`, and
 * table_data_file_missing when the latest version still names a file that is not there, so that no plan gets any further.
 */
export async function buildUnlessStale(
  builder: SegmentBuilder,
  table: LanceTable,
  manifest: Manifest,
  requests: readonly SegmentRequest[],
  purpose: BuildPurpose = 'fresh',
): Promise<Build | null> {
  try {
    const build = await builder.build(manifest, table.place(), requests, purpose);
    // Else the next plan would ask for the same again.
    for (const { index, fragments } of build.withheld ?? []) table.noteBarren(index, fragments);
    return build;
  } catch (error) {
    if (!(error instanceof SegmentdError && MAY_BE_DAMAGE.has(error.code))) throw error;
    await refuseLostFiles(table, new Set(requests.flatMap(({ fragments }) => Array.from(fragments))));
    if (error.code === 'build_stale') return null;
    throw error;
  }
}

/** What a build makes of a file that is not there, and of one that was cut short. */
const MAY_BE_DAMAGE: ReadonlySet<string> = new Set(['build_stale', 'build_failed']);
