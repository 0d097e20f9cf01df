/**
 * The memory that LanceDB sorts in. All builds of a process share one pool, of the size that LANCE_MEM_POOL_SIZE names: a sort that
 * finds it full fails, even when another sort frees memory a moment later. So the size is set here, and an admission beside it holds back
 * the builds that do not fit.
 */
import { availableParallelism, totalmem } from 'node:os';
import { BuildAdmission } from './build-admission.ts';

export type MemoryPool = { readonly bytes: number; readonly admission: BuildAdmission };

/** The engine's variable. A value that an operator sets counts. */
const VARIABLE = 'LANCE_MEM_POOL_SIZE';

/** What the engine takes when the variable is not a number. */
const ENGINE_DEFAULT_BYTES = 150 * 2 ** 20;

/** The rest is for the heap, the engine's reading and writing, and the page cache, which grow with the number of builds as well. */
const SHARE_OF_MEMORY = 1 / 4;
/** Below it, the pool has no room for two builds at once. */
const LEAST_BYTES = 128 * 2 ** 20;
/** The builds that the default `concurrency` allows need no more. */
const MOST_BYTES = 2 * 2 ** 30;

/** A quarter of the memory that the process may use, 128 MiB to 2 GiB. */
export function defaultPoolBytes(usable: number = usableBytes()): number {
  return Math.min(MOST_BYTES, Math.max(LEAST_BYTES, Math.floor(usable * SHARE_OF_MEMORY)));
}

/** The limit of the control group, if there is one below the machine's memory; without one Node gives 0 or a number past all memory. */
function usableBytes(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

let pool: MemoryPool | undefined;

/**
 * The pool of this process; the first call decides how large it is. The engine reads the variable with each sort, and setting one
 * while other threads read it is not safe: call this before the engine is asked for anything.
 */
export function enginePool(bytes: number = defaultPoolBytes()): MemoryPool {
  pool ??= openPool(bytes);
  return pool;
}

function openPool(wanted: number): MemoryPool {
  const own = process.env[VARIABLE];
  process.env[VARIABLE] ??= String(wanted);
  const bytes = own === undefined ? wanted : poolBytesOf(own);
  if (bytes >= ROOMY_BYTES && process.env[BATCH_ROWS] === undefined) {
    process.env[BATCH_ROWS] = String(SORTED_ROWS);
    batchRowsAreOurs = true;
  }
  const { workers, partitionMiB } = textMemory(bytes);
  process.env[TEXT_WORKERS] ??= String(workers);
  process.env[TEXT_PARTITION] ??= String(partitionMiB);
  return { bytes, admission: new BuildAdmission(bytes) };
}

/**
 * Rows that the engine reads and sorts at a time, 8,192 unless this variable says otherwise. Each such batch is sorted by itself and all are merged
 * then, which takes a fifth of the processor time of a build of a hundred thousand rows (perf, LanceDB 0.39). A pool has to hold some batches, of strings as wide as they may be.
 */
const BATCH_ROWS = 'LANCE_DEFAULT_BATCH_SIZE';
const SORTED_ROWS = 16_384;
const ROOMY_BYTES = 512 * 2 ** 20;
let batchRowsAreOurs = false;

/** For the environment of a process that compacts: a batch has all columns there, and the engine's own size of it is enough. */
export function withoutOurBatches(): Readonly<Record<string, undefined>> {
  return batchRowsAreOurs ? { [BATCH_ROWS]: undefined } : {};
}

/** What the engine makes of a value of the variable. */
export function poolBytesOf(value: string): number {
  return /^\+?\d+$/.test(value) ? Number(value) : ENGINE_DEFAULT_BYTES;
}

/**
 * The engine reads these two with its first full-text build, which takes nothing of the pool: each of its workers, by default one for
 * every two processors, gathers 2 GiB of postings before it writes them to a partition of the segment.
 */
const TEXT_WORKERS = 'LANCE_FTS_NUM_SHARDS';
const TEXT_PARTITION = 'LANCE_FTS_PARTITION_SIZE';

/** What a build takes besides, and how many times its partition: measured by `npm run bench:text-memory`. */
const TEXT_BASE_BYTES = 64 * 2 ** 20;
const TEXT_TIMES = 4;
const LEAST_PARTITION_BYTES = 8 * 2 ** 20;
/** Partitions cost a search like segments, so that few large ones are better than more workers. */
const WORKER_BYTES = 512 * 2 ** 20;
const MOST_WORKERS = 4;

/** Workers of a full-text build, and the partition of each, with which builds of any number of rows stay within so many bytes. */
export function textMemory(
  bytes: number,
  processors: number = availableParallelism(),
): { readonly workers: number; readonly partitionMiB: number } {
  const workers = Math.max(1, Math.floor(Math.min(MOST_WORKERS, processors / 2, bytes / WORKER_BYTES)));
  const partitionBytes = (bytes - TEXT_BASE_BYTES) / TEXT_TIMES / workers;
  return { workers, partitionMiB: Math.floor(Math.max(LEAST_PARTITION_BYTES, partitionBytes) / 2 ** 20) };
}
