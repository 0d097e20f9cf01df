/** Fragments that a backfill event has delegated to a member, so that none is published again and none is built here meanwhile. */
import { RecentMap } from '../lib/recent-map.ts';

/** One first build of much, cut into events: the range of fragment ids that they name. */
type BackfillJob = { readonly id: string; readonly first: number; readonly last: number };

export type Backfills = {
  /** An event of the job was published or seen. */
  note(table: string, job: BackfillJob): void;
  /** Asks for the fragments that the table misses now, if it has a job: one with none of them in its range is done. */
  keep(table: string, missingNow: () => Uint32Array): void;
  /** Whether an event of a job names the fragment. */
  has(table: string, fragment: number): boolean;
};

/** A job without an event for so long counts as lost: what is still missing is published again. */
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
