/** Runs LanceDB's `optimize` on a table in a process of its own, within a limit of memory. */
import { SegmentdError } from '../../lib/errors.ts';
import type { TablePlace } from '../segment.ts';
import type { EngineProcess } from './engine-process.ts';
import { startEngineProcess } from './engine-process.ts';
import { withoutOurBatches } from './memory-pool.ts';

/** What the process is told. Storage options may be secret, so none of it is an argument. */
export type OptimizeOrder = Pick<TablePlace, 'uri' | 'storageOptions'> & {
  /** Versions older than this go, milliseconds since the epoch; 0: none. */
  readonly cleanupOlderThanMs: number;
  readonly maxMemoryBytes: number;
};

export type Optimized = {
  readonly fragmentsRemoved: number;
  readonly fragmentsAdded: number;
  readonly versionsRemoved: number;
  readonly bytesFreed: number;
  /** Most memory that the process was seen to take. */
  readonly peakBytes: number;
};

/** What the process says, once. */
export type OptimizeAnswer =
  | (Optimized & { readonly kind: 'done' })
  | { readonly kind: 'memory'; readonly peakBytes: number }
  | { readonly kind: 'failed'; readonly message: string };

/** What the engine of the process may sort in, which it does for what is not indexed; it spills the rest. */
const SORT_SHARE = 1 / 4;

/**
 * Compacts the table, takes away versions that are older than asked, and indexes what was appended meanwhile, in that order. The process ends
 * with this one, and when `signal` fires. Errors: optimize_conflict, optimize_memory, optimize_failed; the table is whole after each of them.
 */
export async function optimizeTable(
  { uri, storageOptions }: TablePlace,
  { cleanupOlderThanMs, maxMemoryBytes }: Pick<OptimizeOrder, 'cleanupOlderThanMs' | 'maxMemoryBytes'>,
  signal?: AbortSignal,
): Promise<Optimized> {
  if (signal?.aborted) throw stopped(uri);
  const own = startEngineProcess('optimize-child', {
    ...withoutOurBatches(),
    LANCE_MEM_POOL_SIZE: String(Math.floor(maxMemoryBytes * SORT_SHARE)),
  });
  const stop = () => own.child.kill('SIGKILL');
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const order: OptimizeOrder = { uri, storageOptions, cleanupOlderThanMs, maxMemoryBytes };
    const { answer, ending } = await answerOf(own, order);
    if (answer?.kind === 'done') return answer;
    if (signal?.aborted) throw stopped(uri);
    throw failureOf(uri, answer, ending, maxMemoryBytes);
  } finally {
    signal?.removeEventListener('abort', stop);
    stop();
  }
}

type Ending = { readonly answer: OptimizeAnswer | undefined; readonly ending: string };

/** Its answer once it has ended, and how it did. */
async function answerOf({ child, send, ended }: EngineProcess, order: OptimizeOrder): Promise<Ending> {
  let answer: OptimizeAnswer | undefined;
  child.once('message', (it: OptimizeAnswer) => {
    answer = it;
  });
  send(order);
  const ending = await ended;
  return { answer, ending };
}

const stopped = (uri: string) => new SegmentdError('optimize_failed', `optimizing ${uri} was stopped`);

/**
 * LanceDB gives its errors no kind, only text. Held by a test in which an update is faster than the compaction.
 */
function failureOf(uri: string, answer: OptimizeAnswer | undefined, ending: string, limit: number): SegmentdError {
  if (answer?.kind === 'memory') {
    const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
    return new SegmentdError(
      'optimize_memory',
      `optimizing ${uri} took ${mib(answer.peakBytes)}, more than ${mib(limit)}, and was ended`,
    );
  }
  const message = answer?.kind === 'failed' ? answer.message : ending;
  const code = /commit conflict|preempted by concurrent/i.test(message) ? 'optimize_conflict' : 'optimize_failed';
  return new SegmentdError(code, `LanceDB could not optimize ${uri}: ${message.split('\n', 1)[0]}`);
}
