/** Requests to one bucket: each has a time limit, is told to whoever counts, and ends in a value or in what went wrong. */
import { SegmentdError } from '../lib/errors.ts';
import type { BlobDriver, Failure } from './blob-driver.ts';
import type { OnRequest, StoreRequest } from './store-request.ts';

export type Answer<T> = { readonly kind: 'ok'; readonly value: T } | Failure;

/** A request. `bytes`: how many go up. */
type Request<T> = {
  readonly operation: StoreRequest['operation'];
  readonly bytes?: number;
  run(driver: BlobDriver, signal: AbortSignal): Promise<T>;
};

export type BucketRequests = {
  /** The answer, be it a failure. Rejects with nothing but a SegmentdError of a driver that could not begin, such as config_invalid. */
  ask<T>(request: Request<T>): Promise<Answer<T>>;
  /** The value; any failure is a SegmentdError that says that it was not possible to `action`. */
  must<T>(action: string, request: Request<T>): Promise<T>;
  /** The value, or null when the object is missing; other failures as with `must`. */
  find<T>(action: string, request: Request<T>): Promise<T | null>;
};

/** How long an answer may take, with all attempts of the SDK: none of the three has a limit for that. */
const ANSWER_MS = 60_000;
/** Beside that, a second for each MiB that goes up. */
const MS_PER_BYTE = 1_000 / (1024 * 1024);

/** Where a missing object is an answer. Elsewhere a 404 says that the bucket is missing, though not every store says so. */
const OF_OBJECTS: readonly string[] = ['head', 'get'] satisfies StoreRequest['operation'][];

export function bucketRequests(
  driver: BlobDriver,
  bucket: string,
  onRequest: OnRequest = () => undefined,
): BucketRequests {
  const requests: BucketRequests = {
    async ask({ operation, bytes = 0, run }) {
      const answer = await answerOf(driver, bytes, run);
      const known = answer.kind === 'missing' && !OF_OBJECTS.includes(operation) ? noBucket(bucket, answer) : answer;
      const outcome = known.kind === 'unfit' ? 'failed' : known.kind;
      onRequest({ store: driver.kind, operation, outcome });
      return known;
    },
    async must(action, request) {
      const answer = await requests.ask(request);
      if (answer.kind === 'ok') return answer.value;
      throw requestError(answer, action);
    },
    async find(action, request) {
      const answer = await requests.ask(request);
      if (answer.kind === 'ok') return answer.value;
      if (answer.kind === 'missing') return null;
      throw requestError(answer, action);
    },
  };
  return requests;
}

async function answerOf<T>(driver: BlobDriver, bytes: number, run: Request<T>['run']): Promise<Answer<T>> {
  const limitMs = ANSWER_MS + bytes * MS_PER_BYTE;
  try {
    return { kind: 'ok', value: await within(limitMs, (signal) => run(driver, signal)) };
  } catch (error) {
    if (error instanceof SegmentdError) throw error;
    if (error === LATE) return { kind: 'failed', message: `no answer within ${Math.round(limitMs / 1_000)} s` };
    return driver.failureOf(error);
  }
}

const LATE = Symbol('late');

/** Rejects with LATE when it takes too long, whether `run` heeds the signal or not. */
async function within<T>(ms: number, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(LATE);
    controller.abort();
  }, ms);
  try {
    return await Promise.race([run(controller.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}

const noBucket = (bucket: string, { message }: Failure): Failure => ({
  kind: 'failed',
  message: `there is no bucket ${bucket}: ${message}`,
});

/** Without the error of the SDK as its cause: that carries the request, with its headers. */
export function requestError({ kind, message }: Failure, action: string): SegmentdError {
  const code = kind === 'denied' ? 'store_denied' : 'store_unavailable';
  return new SegmentdError(code, `cannot ${action}: ${message}`);
}
