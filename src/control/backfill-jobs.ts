/** Fragments that others were asked to cover, so that they are not asked for again and not built here meanwhile. */
import { RecentMap } from '../lib/recent-map.ts';

/** One first build of much, cut into events: the range of fragment ids that they name. */
type BackfillJob = { readonly id: string; readonly first: number; readonly last: number };

export type Backfills = {
  /** An event of the job was published or seen. */
  note(table: string, job: BackfillJob): void;
  /** Asks for the fragments that the table misses now, if it has a job: one with none of them in its range is done. */
  keep(table: string, missingNow: () => Uint32Array): void;
  /** Whether somebody was asked for the fragment. */
  has(table: string, fragment: number): boolean;
};

/** An unfinished job that nothing was heard of for so long counts as lost: what it left is asked for again. */
const FORGET_MS = 600_000;
const MAX_JOBS = 10_000;

export function createBackfills(nowMs: () => number = Date.now): Backfills {
  const jobs = new RecentMap<string, BackfillJob & { readonly table: string; readonly untilMs: number }>(MAX_JOBS);
  return {
    note(table, job) {
      jobs.set(job.id, { ...job, table, untilMs: nowMs() + FORGET_MS });
    },
    keep(table, missingNow) {
      let missing: Uint32Array | undefined;
      for (const [id, job] of jobs) {
        if (job.table !== table) continue;
        missing ??= missingNow();
        if (!missing.some((fragment) => fragment >= job.first && fragment <= job.last)) jobs.delete(id);
      }
    },
    has(table, fragment) {
      for (const [id, job] of jobs) {
        if (job.untilMs < nowMs()) jobs.delete(id);
        else if (job.table === table && fragment >= job.first && fragment <= job.last) return true;
      }
      return false;
    },
  };
}
