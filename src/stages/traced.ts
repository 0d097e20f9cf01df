/** Makes batches traces, and stages spans of them, where traces are on. Without them nothing is added to a batch. */
import type { Observable } from 'rxjs';
import { finalize, tap } from 'rxjs';
import type { Committed, Moved } from '../lance/commit/apply-build.ts';
import type { Facts, SpanName } from '../tracing/batch-trace.ts';
import type { PipelineContext } from './context.ts';
import type { Batch, Built, Planned } from './work.ts';

/** `work`, with a trace from the first event of the batch to the end of its last round. */
export function traceBatch<R>(
  { tracing }: Pick<PipelineContext, 'tracing'>,
  work: (batch: Batch) => Observable<R>,
): (batch: Batch) => Observable<R> {
  if (!tracing) return work;
  return (batch) => {
    const trace = tracing.batch(batch.table.id, batch.events);
    if (!trace) return work(batch);
    let failure: unknown;
    return work({ ...batch, trace }).pipe(
      tap({
        error: (error: unknown) => {
          failure = error;
        },
      }),
      finalize(() => trace.end(failure)),
    );
  };
}

/** What a span tells of how its stage ended. */
type Outcome = Planned | Built | Committed | Moved;

/** Does `work` as a span of the batch, which tells how it ended, or `about`. Returns and throws what `work` does. */
export function traced<T>({ trace }: Batch, name: SpanName, work: () => T, about?: Outcome): T {
  if (!trace) return work();
  const end = trace.begin(name);
  const done = <V>(value: V): V => {
    end({ facts: factsOf(about ?? value) });
    return value;
  };
  const failed = (error: unknown): never => {
    end({ error });
    throw error;
  };
  let result: T;
  try {
    result = work();
  } catch (error) {
    return failed(error);
  }
  return result instanceof Promise ? (result.then(done, failed) as T) : done(result);
}

const isOutcome = (value: unknown): value is Outcome => typeof value === 'object' && value !== null && 'kind' in value;

function factsOf(value: unknown): Facts {
  if (!isOutcome(value)) return {};
  const outcome = value.kind;
  switch (value.kind) {
    case 'missing': {
      const { manifest, requests } = value;
      return { outcome, version: manifest.version, segments: requests.length, rows: sum(requests, ({ rows }) => rows) };
    }
    case 'built': {
      const { segments } = value.build;
      const bytes = sum(segments, ({ files }) => sum(files, (file) => file.bytes));
      return { outcome, segments: segments.length, rows: sum(segments, ({ rows }) => rows), bytes };
    }
    case 'committed': {
      const { version, attempts, segments } = value;
      return { outcome, version, attempts, segments: segments.length };
    }
    case 'covered':
      return { outcome, version: value.tableVersion, covered_version: value.coveredVersion };
    case 'declined':
      return { outcome, code: value.error.code };
    case 'moved':
      return { outcome, cause: value.cause };
    case 'requeue':
      return { outcome };
  }
}

const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);
