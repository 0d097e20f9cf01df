/**
 * Tables that wait for work. A table waits at most once and runs at most once at a time, however often it is requested; tables run
 * in the order in which they were requested.
 */
import type { TableRef } from '../model.ts';

/** When a table runs again after a run. */
export type NextRun =
  /** When it is requested. */
  | { readonly when: 'requested' }
  /** At once, behind the tables that wait. */
  | { readonly when: 'again' }
  /** After so many milliseconds, or when it is requested before that. */
  | { readonly when: 'later'; readonly afterMs: number }
  /** After so many milliseconds and not before, whatever is requested. */
  | { readonly when: 'backoff'; readonly afterMs: number };

/** Calls `run` after so many milliseconds, unless the function that it returns is called before. */
type Timer = (afterMs: number, run: () => void) => () => void;

type TableQueueOptions = {
  /** Most tables that run at once, read before each start; at least 1. */
  readonly concurrency: number;
  /** Once it fires no table starts; those that run end. */
  readonly signal: AbortSignal;
  readonly timer?: Timer;
};

type Entry = {
  /** As it was requested last: a table that is made anew may lie elsewhere. */
  table: TableRef;
  state: 'idle' | 'waiting' | 'running' | 'delayed';
  /** Whether it waits once its run or its delay is over. */
  requested: boolean;
  /** Dropped while it ran, and not requested since. */
  dropped: boolean;
  /** Ends the wait for a later run. A table has one such timer at most. */
  cancelLater: (() => void) | null;
  cancelDelay: (() => void) | null;
};

export class TableQueue {
  /** Resolves once the queue is drained or stopped and no table runs. Rejects with what a run threw: no table starts after that. */
  readonly ended: Promise<void>;
  private readonly run: (table: TableRef) => Promise<NextRun>;
  private readonly options: Pick<TableQueueOptions, 'concurrency'>;
  private readonly timer: Timer;
  private readonly entries = new Map<string, Entry>();
  private readonly waiting = new Set<Entry>();
  private readonly settle: { resolve(): void; reject(error: unknown): void };
  private running = 0;
  private drained = false;

  constructor(run: (table: TableRef) => Promise<NextRun>, options: TableQueueOptions) {
    const { signal, timer = startTimer } = options;
    this.run = run;
    this.options = options;
    this.timer = timer;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ended = promise;
    this.settle = { resolve, reject };
    if (signal.aborted) this.stop();
    else signal.addEventListener('abort', () => this.stop(), { once: true });
  }

  /**
   * Lets the table wait for a run, unless it does. One that runs is run once more after that; one with a backoff waits until that is
   * over.
   */
  request(table: TableRef): void {
    if (this.drained) return;
    const entry = this.entryOf(table);
    entry.requested = true;
    entry.dropped = false;
    if (entry.state === 'idle') this.enqueue(entry);
    this.startNext();
  }

  /** The same at the request of an operator, which ends a backoff. */
  hurry(table: TableRef): void {
    const entry = this.entries.get(table.id);
    if (entry?.state === 'delayed') {
      entry.cancelDelay?.();
      entry.cancelDelay = null;
      entry.state = 'idle';
    }
    this.request(table);
  }

  /** Takes the table out until it is requested. A run goes on; a backoff lasts. */
  drop(id: string): void {
    const entry = this.entries.get(id);
    if (!entry) return;
    entry.requested = false;
    entry.dropped = true;
    entry.cancelLater?.();
    entry.cancelLater = null;
    if (this.waiting.delete(entry)) entry.state = 'idle';
    this.forgetIdle(entry);
  }

  /** Takes no more requests: tables that wait run once more, those with a timer do not. */
  drain(): void {
    this.drained = true;
    for (const entry of this.entries.values()) {
      entry.cancelLater?.();
      entry.cancelDelay?.();
    }
    this.settleIfIdle();
  }

  private stop(): void {
    this.waiting.clear();
    this.drain();
  }

  private entryOf(table: TableRef): Entry {
    const known = this.entries.get(table.id);
    if (known) {
      known.table = table;
      return known;
    }
    const flags = { requested: false, dropped: false, cancelLater: null, cancelDelay: null };
    const entry: Entry = { table, state: 'idle', ...flags };
    this.entries.set(table.id, entry);
    return entry;
  }

  private enqueue(entry: Entry): void {
    entry.state = 'waiting';
    this.waiting.add(entry);
  }

  private startNext(): void {
    for (const entry of this.waiting) {
      if (this.running >= this.options.concurrency) return;
      this.waiting.delete(entry);
      this.start(entry);
    }
  }

  private start(entry: Entry): void {
    entry.state = 'running';
    entry.requested = false;
    this.running += 1;
    this.run(entry.table).then(
      (next) => this.finish(entry, next),
      (error) => {
        this.stop();
        this.settle.reject(error);
      },
    );
  }

  private finish(entry: Entry, next: NextRun): void {
    this.running -= 1;
    entry.state = 'idle';
    if (!this.drained) this.plan(entry, next);
    this.startNext();
    this.settleIfIdle();
  }

  private plan(entry: Entry, next: NextRun): void {
    if (next.when === 'backoff') {
      this.delay(entry, next.afterMs);
      return;
    }
    if (next.when === 'later' && !entry.dropped) {
      entry.cancelLater ??= this.timer(next.afterMs, () => {
        entry.cancelLater = null;
        this.request(entry.table);
      });
    }
    if (entry.requested || (next.when === 'again' && !entry.dropped)) this.enqueue(entry);
    this.forgetIdle(entry);
  }

  /** Until it is over, a request makes no difference; the table runs again then, unless it was dropped meanwhile. */
  private delay(entry: Entry, afterMs: number): void {
    entry.state = 'delayed';
    entry.requested = !entry.dropped;
    entry.cancelDelay = this.timer(afterMs, () => this.resume(entry));
  }

  private resume(entry: Entry): void {
    entry.state = 'idle';
    entry.cancelDelay = null;
    if (entry.requested) this.enqueue(entry);
    this.forgetIdle(entry);
    this.startNext();
  }

  private forgetIdle({ state, cancelLater, table }: Entry): void {
    if (state === 'idle' && !cancelLater) this.entries.delete(table.id);
  }

  private settleIfIdle(): void {
    // While a table waits, others run.
    if (this.drained && this.running === 0) this.settle.resolve();
  }
}

const startTimer: Timer = (afterMs, run) => {
  const timeout = setTimeout(run, afterMs);
  return () => clearTimeout(timeout);
};
