/** Runs LanceDB's `optimize` on a table in a process of its own, within a limit of memory. */
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { extname, join } from 'node:path';
import { SegmentdError } from '../../lib/errors.ts';
import type { TablePlace } from '../segment.ts';

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

/** Characters of standard error that are kept, for the message of a process that says nothing else. */
const KEPT_CHARACTERS = 2_000;

/** It lies beside this file, in `src` and in what the build makes of it. */
const CHILD = join(import.meta.dirname, `optimize-child${extname(import.meta.filename)}`);

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
  const child = fork(CHILD, [], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, LANCE_MEM_POOL_SIZE: String(Math.floor(maxMemoryBytes * SORT_SHARE)) },
  });
  const stop = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const order: OptimizeOrder = { uri, storageOptions, cleanupOlderThanMs, maxMemoryBytes };
    const { answer, ending } = await answerOf(child, order);
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
function answerOf(child: ChildProcess, order: OptimizeOrder): Promise<Ending> {
  let answer: OptimizeAnswer | undefined;
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-KEPT_CHARACTERS);
  });
  child.once('message', (it: OptimizeAnswer) => {
    answer = it;
  });
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ answer, ending: error.message }));
    child.once('close', (code, signal) => {
      const lastLine = said.trim().split('\n').at(-1) ?? '';
      resolve({ answer, ending: `its process ended with ${signal ?? code}${lastLine && `: ${lastLine}`}` });
    });
    // One that has ended by now is told of by the events above.
    child.send(order, () => undefined);
  });
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
