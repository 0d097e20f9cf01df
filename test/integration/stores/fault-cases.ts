/** What a store does to a request of a batch, and that nothing comes of it but time. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { MergeSettings } from '../../../src/merge/policy/tiered.ts';
import type { Fault, LoggedRequest, StoreProxy } from '../../../testing/stores/store-proxy.ts';
import type { TestContext } from '../../unit/stages/context-fixture.ts';
import type { StoreTable } from './s3-table.ts';
import { ROWS, runEvent } from './s3-table.ts';
import type { TableWatch } from './table-watch.ts';

/** Requests that change nothing, those that may be sent again, and those that create a manifest or a probe on a condition. */
type Kind = 'read' | 'write' | 'creation';

/** `late`: the request reaches the store when the client has given up. */
type Mishap = Fault | 'late';

export type Trouble = {
  /** One after the other they meet the requests of a victim, each so many of them. */
  readonly faults: readonly { readonly fault: Mishap; readonly times: number }[];
  /** Where it makes a difference; elsewhere it is met in the long form of the tests alone. */
  readonly matters: readonly Kind[];
};

const ANYWHERE: readonly Kind[] = ['read', 'write', 'creation'];
const ON_WRITES: readonly Kind[] = ['write', 'creation'];
const ON_CREATIONS: readonly Kind[] = ['creation'];
/** As good as the one before it. */
const LIKE_ANOTHER: readonly Kind[] = [];

const once = (fault: Mishap, matters: readonly Kind[]): Trouble => ({ faults: [{ fault, times: 1 }], matters });

const [ERROR, SLOW_DOWN, DENIED, CONFLICT, TAKEN] = [
  { status: 500, code: 'InternalError' },
  { status: 503, code: 'SlowDown' },
  { status: 403, code: 'AccessDenied' },
  { status: 409, code: 'ConditionalRequestConflict' },
  { status: 412, code: 'PreconditionFailed' },
] as const;

/** More than the three attempts of an SDK. */
const BURST = 5;

/** Storage options with which clients give up, as some troubles want it. */
const IMPATIENT = { timeout: '1s' };
const LATE_MS = 1_500;

export const isForImpatient = ({ faults }: Trouble) => faults.some(({ fault }) => fault === 'hang' || fault === 'late');

export const optionsFor = (trouble: Trouble): Record<string, string> => (isForImpatient(trouble) ? IMPATIENT : {});

/** Those that take longest come first. */
export const TROUBLES: Readonly<Record<string, Trouble>> = {
  'no answer': once('hang', ANYWHERE),
  'an arrival after the client gave up': once('late', ON_WRITES),
  'a reset before': once('reset-before', ANYWHERE),
  'a 500 before': once(ERROR, LIKE_ANOTHER),
  'a reset afterwards': once('reset-after', ON_WRITES),
  'a 500 afterwards': once({ ...ERROR, after: true }, ON_WRITES),
  'a SlowDown afterwards': once({ ...SLOW_DOWN, after: true }, LIKE_ANOTHER),
  'a burst of SlowDown': { faults: [{ fault: SLOW_DOWN, times: BURST }], matters: ANYWHERE },
  'a 403 once': once(DENIED, ANYWHERE),
  'a 409 before': once(CONFLICT, ON_CREATIONS),
  'a 409 afterwards': once({ ...CONFLICT, after: true }, ON_CREATIONS),
  'a 412 afterwards': once({ ...TAKEN, after: true }, LIKE_ANOTHER),
  // What an SDK makes of it that tries again by itself is a refusal of what has landed.
  'a 500 afterwards, then 403': {
    faults: [
      { fault: { ...ERROR, after: true }, times: 1 },
      { fault: DENIED, times: 1 },
    ],
    matters: ON_WRITES,
  },
};

/** A request of a batch. */
export type Victim = { readonly kind: Kind; readonly matches: Matcher };

/** `log`: all requests of the batch so far, this one too. */
type Matcher = (request: LoggedRequest, log: readonly LoggedRequest[]) => boolean;

const textOf = ({ path, query }: LoggedRequest) => `${path}?${query}`;
const isWrite = ({ method }: LoggedRequest) => method === 'PUT' || method === 'POST';
const isListing = ({ method, query }: LoggedRequest) => method === 'GET' && query.includes('list-type=2');
const isProbe = (request: LoggedRequest) => textOf(request).includes('.segmentd-probe-');

const readsIn = (method: 'GET' | 'HEAD', folder: string): Victim => ({
  kind: 'read',
  matches: (request) => request.method === method && request.path.includes(`/${folder}/`),
});
const writesIn = (folder: string, kind: Kind = 'write'): Victim => ({
  kind,
  matches: (request) => isWrite(request) && textOf(request).includes(`/${folder}/`),
});

/** The creation of a manifest: with it the rows are covered. */
const COMMIT = writesIn('_versions', 'creation');
const followsCommit: Matcher = (request, log) =>
  log.slice(0, log.indexOf(request)).some((before) => COMMIT.matches(before, log));

/** Every request of a batch, in the order of a batch. Those of the engine are the ones for data. */
export const OF_BATCH = {
  'the listing of the plan': {
    kind: 'read',
    matches: (request, log) => isListing(request) && !followsCommit(request, log),
  },
  'the manifest that is read': readsIn('GET', '_versions'),
  'the data that is read': readsIn('GET', 'data'),
  'a file of the segment': writesIn('_indices'),
  'the transaction': writesIn('_transactions'),
  'the manifest': COMMIT,
  'the look at a file': readsIn('HEAD', '_indices'),
  'the listing afterwards': {
    kind: 'read',
    matches: (request, log) => isListing(request) && followsCommit(request, log),
  },
} satisfies Record<string, Victim>;

const probesIn = (log: readonly LoggedRequest[]) => log.filter(isProbe);

/** The requests with which a process asks once whether the store honours conditions. */
export const OF_PROBE = {
  'the first creation of the probe': { kind: 'creation', matches: (request, log) => probesIn(log)[0] === request },
  'the second creation of the probe': { kind: 'creation', matches: (request, log) => probesIn(log)[1] === request },
  'the removal of the probe': {
    kind: 'write',
    matches: (request) => isProbe(request) && request.method === 'DELETE',
  },
} satisfies Record<string, Victim>;

/** The nth of the requests that `victim` matches. */
export const nth = (number: number, { kind, matches }: Victim): Victim => ({
  kind,
  matches: (request, log) => log.filter((it) => matches(it, log))[number - 1] === request,
});

/** Any two segments are merged: all count as small. */
const MERGES = { floorRows: 1_000_000, factor: 2, maxFactor: 64, maxSegmentRows: 1e9 };
export const MERGED_ALONG: MergeSettings = { ...MERGES, maxSegments: 1_000 };
/** Two segments are too many for a merge that lands with the next batch: it follows at once, alone. */
export const MERGED_ALONE: MergeSettings = { ...MERGES, maxSegments: 1 };

const SETTLED_WITHIN_MS = 60_000;

/** Fails instead of hanging. */
async function settledInTime<T>(running: Promise<T>): Promise<T> {
  const over = new AbortController();
  const late = sleep(SETTLED_WITHIN_MS, undefined, { signal: over.signal, ref: false });
  late.catch(() => undefined);
  try {
    return await Promise.race([
      running,
      late.then(() => Promise.reject(new Error(`not settled in ${SETTLED_WITHIN_MS} ms`))),
    ]);
  } finally {
    over.abort();
  }
}

/** Delays the request that is being matched, and no other. */
export function delayThis(proxy: StoreProxy, ms: number): void {
  proxy.delayMs = ms;
  queueMicrotask(() => {
    proxy.delayMs = 0;
  });
}

export type Case = {
  readonly victim: Victim;
  readonly trouble: Trouble;
  /** The processes that get the event, at once. */
  readonly contexts: readonly TestContext[];
  readonly merges?: MergeSettings;
};

/** Rows of one table, appended one batch after the other; each with what a store does to it. */
export class FaultyTable {
  readonly table: StoreTable;
  readonly watch: TableWatch;
  #batches = 0;

  constructor(table: StoreTable, watch: TableWatch) {
    this.table = table;
    this.watch = watch;
  }

  /** The first id of each append so far. */
  get appended(): number[] {
    return Array.from({ length: this.#batches }, (_, batch) => ROWS + batch * 100);
  }

  append(): Promise<number> {
    this.#batches += 1;
    return this.table.append(ROWS + (this.#batches - 1) * 100);
  }

  /** Appends, and lets trouble meet the batch that covers it. What is wrong in the end; none when all is well. */
  async faultsOf({ victim, trouble, contexts, merges }: Case): Promise<string[]> {
    const { proxy, ref } = this.table;
    const version = await this.append();
    proxy.clear();
    let hits = 0;
    const takeBack = trouble.faults.map(({ fault, times }) => {
      const match = (request: LoggedRequest) => {
        const isHit = victim.matches(request, proxy.requests);
        hits += Number(isHit);
        if (isHit && fault === 'late') delayThis(proxy, LATE_MS);
        return isHit;
      };
      return proxy.inject({ match, fault: fault === 'late' ? 'reset-after' : fault, times });
    });
    const found: string[] = [];
    try {
      const event = { table: ref, version };
      const schedule = merges && { settings: merges, concurrency: 1 };
      const running = contexts.map((context) => runEvent(context, event, schedule));
      for (const record of await settledInTime(Promise.all(running))) {
        if (record.acks() !== 1) found.push(`the event is acknowledged ${record.acks()} times`);
      }
    } catch (error) {
      found.push(String(error));
    }
    for (const it of takeBack) it();
    if (hits === 0) found.push('nothing was met by it');
    if (contexts.some(({ deadLetters }) => deadLetters.length > 0)) found.push('the event is a dead letter');
    return [...found, ...(await this.watch.faults(version))];
  }
}
