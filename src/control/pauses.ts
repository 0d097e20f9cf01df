/** Tables that an operator has paused. Their events wait, unacknowledged, so nothing is lost. */
import { RecentMap } from '../lib/recent-map.ts';

type Pause = { readonly sinceMs: number; readonly by: string };

export type Pauses = {
  /**
   * `by`: who asked for it, for logs and `/status`. `sinceMs`: when, milliseconds since the epoch; now unless given, or when the clock
   * that gave it is ahead. Returns false for a table that is paused already.
   */
  pause(table: string, by: string, sinceMs?: number): boolean;
  /** Returns false for a table that is not paused. */
  resume(table: string): boolean;
  isPaused(table: string): boolean;
  /** Since when the table is paused and by whom, or null. */
  of(table: string): Pause | null;
  paused(): string[];
  /** When the last pause of the table ended, milliseconds since the epoch; 0 when none is remembered. */
  lastEndedMs(table: string): number;
  /** Resolves at once unless the table is paused, else when it is resumed. */
  whenResumed(table: string): Promise<void>;
};

/** Ends of pauses that are remembered. */
const REMEMBERED = 10_000;

/** `nowMs` is for tests: milliseconds since the epoch. */
export function createPauses(nowMs: () => number = Date.now): Pauses {
  const pauses = new Map<string, Pause & { readonly waiting: (() => void)[] }>();
  const ended = new RecentMap<string, number>(REMEMBERED);
  return {
    pause(table, by, sinceMs = Number.POSITIVE_INFINITY) {
      if (pauses.has(table)) return false;
      pauses.set(table, { sinceMs: Math.min(sinceMs, nowMs()), by, waiting: [] });
      return true;
    },
    resume(table) {
      const pause = pauses.get(table);
      if (!pause) return false;
      pauses.delete(table);
      ended.set(table, nowMs());
      for (const release of pause.waiting) release();
      return true;
    },
    isPaused: (table) => pauses.has(table),
    of: (table) => pauses.get(table) ?? null,
    paused: () => [...pauses.keys()],
    lastEndedMs: (table) => ended.get(table) ?? 0,
    whenResumed(table) {
      const pause = pauses.get(table);
      return pause ? new Promise((resolve) => pause.waiting.push(resolve)) : Promise.resolve();
    },
  };
}
