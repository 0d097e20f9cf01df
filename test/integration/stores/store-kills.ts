/** Processes that are killed at a request that they send to their store. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoggedRequest, StoreProxy } from '../../../testing/stores/store-proxy.ts';
import { nth, OF_BATCH, OF_PROBE } from './fault-cases.ts';

const VICTIMS = { ...OF_BATCH, ...OF_PROBE };

export type StoreKill = {
  readonly at: keyof typeof VICTIMS;
  /** The process dies at the nth request of the kind since it was armed. */
  readonly nth: number;
  /** Before the store sees the request, or when the store has acted and the process knows nothing of it. */
  readonly side: 'before' | 'after';
};

const ANSWER_POLL_MS = 2;

/**
 * Kills the process at that request, through the proxy that it asks its store through. A process that is to die after the store has acted
 * stands still from the moment that its request is there.
 */
export function killAt(proxy: StoreProxy, pid: number, kill: StoreKill): void {
  proxy.clear();
  const victim = nth(kill.nth, VICTIMS[kill.at]);
  const isBefore = kill.side === 'before';
  proxy.inject({
    match(request) {
      if (!victim.matches(request, proxy.requests)) return false;
      process.kill(pid, isBefore ? 'SIGKILL' : 'SIGSTOP');
      if (!isBefore) void killOnceAnswered(pid, request);
      return true;
    },
    fault: isBefore ? 'hang' : 'reset-after',
    times: 1,
  });
}

async function killOnceAnswered(pid: number, request: LoggedRequest): Promise<void> {
  while (request.endMs === Number.POSITIVE_INFINITY) await sleep(ANSWER_POLL_MS);
  process.kill(pid, 'SIGKILL');
}

const SIDES = ['before', 'after'] as const;

/** Requests at least, when two appends of one fragment each are indexed on two columns by two commits. */
const REQUESTS: Readonly<Record<keyof typeof OF_BATCH, number>> = {
  'the listing of the plan': 1,
  'the manifest that is read': 1,
  'the data that is read': 4,
  'a file of the segment': 8,
  'the transaction': 2,
  'the manifest': 2,
  'the look at a file': 8,
  'the listing afterwards': 1,
};

/** A kill on both sides of each request of two batches. */
export function killsOfBatches(): StoreKill[] {
  return Object.entries(REQUESTS).flatMap(([at, times]) =>
    Array.from({ length: times }, (_, before) => before + 1).flatMap((nth) =>
      SIDES.map((side) => ({ at: at as StoreKill['at'], nth, side })),
    ),
  );
}

/** The same of what follows two batches: a merge, or a third batch that takes one along. */
export function killsOfMerges(): StoreKill[] {
  return (['a file of the segment', 'the transaction', 'the manifest', 'the look at a file'] as const).flatMap((at) =>
    SIDES.map((side) => ({ at, nth: REQUESTS[at] + 1, side })),
  );
}

/** The same of the proof that the store honours conditions, which a process makes before its first commit. */
export function killsOfProbes(): StoreKill[] {
  return (Object.keys(OF_PROBE) as (keyof typeof OF_PROBE)[]).flatMap((at) =>
    SIDES.map((side) => ({ at, nth: 1, side })),
  );
}
