import { sleep } from '../../lib/sleep.ts';
import type { Offsets, PartitionQueues } from './partition-queues.ts';

const RETRY_MS = 100;

type CommitterPort = {
  send(offsets: Offsets): Promise<void>;
  done(result: 'ok' | 'failed', seconds: number, error?: unknown): void;
};

/** Commits what was acknowledged: all partitions in one request, at most one request at a time on the clock. */
export class OffsetCommitter {
  readonly #queues: PartitionQueues;
  readonly #port: CommitterPort;
  #running: Promise<boolean> | undefined;

  constructor(queues: PartitionQueues, port: CommitterPort) {
    this.#queues = queues;
    this.#port = port;
  }

  /** Commits if there is something to commit and no commit is on its way. A failure waits for the next call. */
  tick(): void {
    if (this.#running === undefined) void this.now();
  }

  /** Puts a commit of what is acknowledged on the wire before it returns. Resolves to whether all of it landed. */
  now(): Promise<boolean> {
    const offsets = this.#queues.pendingCommits();
    if (offsets.size === 0) return this.#running ?? Promise.resolve(true);
    const run = this.#send(offsets).finally(() => {
      if (this.#running === run) this.#running = undefined;
    });
    this.#running = run;
    return run;
  }

  /** Commits until nothing is left or `deadlineMs` (since the epoch) has come. */
  async flush(deadlineMs: number): Promise<boolean> {
    for (;;) {
      await this.#running;
      // In a later macrotask: between a join and its event lies only a microtask.
      await sleep(0);
      if (this.#queues.pendingCommits().size === 0) return true;
      if (Date.now() >= deadlineMs) return false;
      if (!(await this.now())) await sleep(RETRY_MS);
    }
  }

  async #send(offsets: Offsets): Promise<boolean> {
    const started = performance.now();
    const landed = this.#queues.committer(offsets);
    const seconds = (): number => (performance.now() - started) / 1000;
    try {
      await this.#port.send(offsets);
      landed();
      this.#port.done('ok', seconds());
      return true;
    } catch (error) {
      this.#port.done('failed', seconds(), error);
      return false;
    }
  }
}
