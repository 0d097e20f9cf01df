/** A build that tells a table that moved under it from one that is damaged, and one index that cannot be built from the others. */
import { Cleanup } from '../../lib/cleanup.ts';
import { SegmentdError } from '../../lib/errors.ts';
import type { Manifest } from '../codec/manifest.ts';
import type { Build, SegmentBuilder, SegmentRequest } from '../segment.ts';
import { refuseLostFiles } from '../table/lost-files.ts';
import type { LanceTable } from '../table/table.ts';

/**
 * `merge`: all of it or nothing. `fresh`: where the build of one index fails, those of the others are not lost. `replacement`: as `merge`,
 * of fresh rows.
 */
export type BuildScope = 'fresh' | 'replacement' | 'merge';

/**
 * What the builder builds, which may be less than what was asked for, or null when a cleanup deleted a file of the table under it. Errors:
 * as `build`, when nothing was built, and table_data_file_missing when the latest version still names a file that is not there, so that no
 * plan gets any further.
 */
export async function buildUnlessStale(
  builder: SegmentBuilder,
  table: LanceTable,
  manifest: Manifest,
  requests: readonly SegmentRequest[],
  scope: BuildScope = 'fresh',
): Promise<Build | null> {
  const buildThose = (some: readonly SegmentRequest[]) =>
    builder.build(manifest, table.place(), some, scope === 'merge' ? 'merge' : 'fresh');
  try {
    const build = await buildThose(requests).catch((error: unknown) => {
      const isOneOfMany = new Set(requests.map(({ index }) => index)).size > 1;
      if (scope !== 'fresh' || !isOneOfMany || !isBuildFailure(error)) throw error;
      return buildApart(buildThose, manifest, requests);
    });
    // Else the next plan would ask for the same again.
    for (const { index, fragments } of build.withheld ?? []) table.noteBarren(manifest, index, fragments);
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

const isBuildFailure = (error: unknown) => error instanceof SegmentdError && error.code === 'build_failed';

/** One index after the other. Rejects with the first failure when no index can be built, or when it is none of an index alone. */
async function buildApart(
  buildThose: (requests: readonly SegmentRequest[]) => Promise<Build>,
  manifest: Manifest,
  requests: readonly SegmentRequest[],
): Promise<Build> {
  const disposal = new Cleanup();
  const builds: Build[] = [];
  const failed: SegmentRequest[] = [];
  let failure: unknown;
  try {
    for (const own of Map.groupBy(requests, ({ index }) => index).values()) {
      try {
        const build = await buildThose(own);
        disposal.defer(() => build[Symbol.asyncDispose]());
        builds.push(build);
      } catch (error) {
        if (!isBuildFailure(error)) throw error;
        failure ??= error;
        failed.push(...own);
      }
    }
    if (builds.length === 0) throw failure;
  } catch (error) {
    await disposal.run();
    throw error;
  }
  return {
    manifest,
    segments: builds.flatMap(({ segments }) => segments),
    withheld: builds.flatMap(({ withheld = [] }) => withheld),
    failed,
    [Symbol.asyncDispose]: () => disposal.run(),
  };
}
