/** One batch of segmentd's work on a table, step by step as the daemon does it. */
import { applyBuild } from '../../src/lance/commit/apply-build.ts';
import { buildUnlessStale } from '../../src/lance/engine/build-unless-stale.ts';
import { DEFAULT_POLICY } from '../../src/lance/plan/row-ids.ts';
import { planTable } from '../../src/lance/plan/table-plan.ts';
import type { SegmentBuilder } from '../../src/lance/segment.ts';
import type { LanceTable } from '../../src/lance/table/table.ts';
import { stopwatch } from '../../src/lib/stopwatch.ts';

export const ALL_AT_ONCE = { maxRows: Number.MAX_SAFE_INTEGER, maxFragments: Number.MAX_SAFE_INTEGER };
export const COMMIT = { maxAttempts: 1, initialBackoffMs: 0, writer: { library: 'segmentd', version: 'bench' } };

/** Milliseconds of each step. */
export type Batch = {
  readonly plan: number;
  /** Of it, the engine's: the longest `createIndex`, since they may run side by side. */
  readonly engine: number;
  readonly build: number;
  readonly publish: number;
  readonly commit: number;
};

/**
 * Indexes what the table misses, in one segment per index, until the commit has landed; views are removed afterwards and do not count.
 * Throws when nothing was missing or nothing landed.
 */
export async function indexOnce(table: LanceTable, builder: SegmentBuilder): Promise<Batch> {
  const lap = stopwatch();
  const manifest = await table.latest();
  const { requests } = planTable(manifest, DEFAULT_POLICY, ALL_AT_ONCE);
  const plan = lap();
  await using build = await buildUnlessStale(builder, table, manifest, requests);
  const built = lap();
  if (!build?.segments.length) throw new Error('there was nothing to build');
  const took = { publish: 0, commit: 0 };
  const step = async <T>(name: 'publish' | 'commit', work: () => Promise<T>): Promise<T> => {
    const watch = stopwatch();
    try {
      return await work();
    } finally {
      took[name] += watch();
    }
  };
  const done = await applyBuild(table, build, { replaces: [], properties: {} }, { ...COMMIT, step });
  if (done.kind === 'moved') throw new Error(`the table moved: ${done.cause}`);
  const engine = Math.max(...build.segments.map(({ buildMs }) => buildMs));
  return { plan, build: built, engine, ...took };
}

export const msOf = ({ plan, build, publish, commit }: Batch) => plan + build + publish + commit;

/** Throws unless each index of the table covers all of it. */
export async function assertCovered(table: LanceTable, who: string): Promise<void> {
  const { requests } = planTable(await table.latest(), DEFAULT_POLICY, ALL_AT_ONCE);
  if (requests.length > 0) throw new Error(`${who} left ${requests.length} indexes behind`);
}
