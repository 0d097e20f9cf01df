/**
 * Large merges are built by a process of their own, at a low priority: in this one they would take the processors, and the engine's threads, from
 * the fresh data that comes meanwhile. It starts with the first of them and ends some seconds after the last.
 */
import { availableParallelism } from 'node:os';
import type { ErrorCode } from '../../lib/errors.ts';
import { SegmentdError } from '../../lib/errors.ts';
import type { EngineProcess } from './engine-process.ts';
import { startEngineProcess } from './engine-process.ts';
import type { EngineReading } from './engine-recorder.ts';
import { addReadings } from './engine-recorder.ts';
import type { MakeIndexes, MakeOrder } from './make-indexes.ts';

/** What the process is told. Storage options may be secret, so none of it is an argument. */
export type MakeRequest = { readonly id: number; readonly order: MakeOrder };

/** What the process says of each. `readings`: what the engine has counted since the last answer. */
export type MakeAnswer = {
  readonly id: number;
  readonly readings: readonly EngineReading[];
} & ({ readonly took: readonly (number | null)[] } | { readonly message: string; readonly code: ErrorCode | null });

/** Starting again takes a quarter of a second of a processor; the process takes some 100 MiB beside what it sorts. */
const IDLE_MS = 10_000;

type Waiting = {
  readonly resolve: (took: readonly (number | null)[]) => void;
  readonly reject: (error: Error) => void;
};

/** Makes indexes in that process, which ends when `signal` fires, with all that it was making. `idleMs`: for tests. */
export function makeIndexesApart(signal?: AbortSignal, idleMs = IDLE_MS): MakeIndexes {
  let running: MakerProcess | null = null;
  return async (order) => {
    if (signal?.aborted) throw stopped();
    if (!running?.isRunning) running = new MakerProcess(idleMs, signal);
    return running.make(order);
  };
}

const stopped = () => new SegmentdError('build_failed', 'the build of a merge was stopped');

/** Pools of the engine that are as large as there are processors, but for what the operator has set. A merge that holds all of them up is felt, however low its priority. */
const POOLS = ['TOKIO_WORKER_THREADS', 'LANCE_CPU_THREADS', 'RAYON_NUM_THREADS'];

function halfTheThreads(): Record<string, string> {
  const half = String(Math.max(1, Math.floor(availableParallelism() / 2)));
  return Object.fromEntries(POOLS.map((name) => [name, process.env[name] ?? half]));
}

class MakerProcess {
  readonly #own: EngineProcess = startEngineProcess('merge-child', halfTheThreads());
  readonly #waiting = new Map<number, Waiting>();
  readonly #stop = () => this.#own.child.kill('SIGKILL');
  readonly #idleMs: number;
  readonly #signal: AbortSignal | undefined;
  #next = 0;
  #idle: NodeJS.Timeout | undefined;
  #isRunning = true;

  constructor(idleMs: number, signal: AbortSignal | undefined) {
    this.#idleMs = idleMs;
    this.#signal = signal;
    const { child, ended } = this.#own;
    // It must not keep this process alive, in which whoever waits for it does.
    child.unref();
    child.channel?.unref();
    (child.stderr as { unref?(): void } | null)?.unref?.();
    child.on('message', (answer: MakeAnswer) => this.#answered(answer));
    signal?.addEventListener('abort', this.#stop, { once: true });
    void ended.then((how) => this.#ended(how));
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  make(order: MakeOrder): Promise<readonly (number | null)[]> {
    clearTimeout(this.#idle);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#own.send({ id, order } satisfies MakeRequest);
      this.#waiting.set(id, { resolve, reject });
    });
  }

  #answered({ id, readings, ...answer }: MakeAnswer): void {
    addReadings(readings);
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if ('took' in answer) waiting?.resolve(answer.took);
    else waiting?.reject(answer.code ? new SegmentdError(answer.code, answer.message) : new Error(answer.message));
    if (this.#waiting.size > 0) return;
    this.#idle = setTimeout(() => {
      this.#isRunning = false;
      this.#stop();
    }, this.#idleMs).unref();
  }

  #ended(how: string): void {
    this.#isRunning = false;
    clearTimeout(this.#idle);
    this.#signal?.removeEventListener('abort', this.#stop);
    const error = this.#signal?.aborted ? stopped() : new Error(how);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
