import { concat, EMPTY, lastValueFrom, NEVER, of, throwError } from 'rxjs';
import { expect, test } from 'vitest';
import { parseManifest } from '../../../src/lance/codec/manifest.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import { traceBatch, traced } from '../../../src/stages/traced.ts';
import type { Batch, Settleable } from '../../../src/stages/work.ts';
import type { BatchTracing } from '../../../src/tracing/batch-trace.ts';
import { manifestFile } from '../lance/manifest-fixture.ts';
import { batchOf, pendingEvent } from './context-fixture.ts';

function recorder() {
  const told: unknown[] = [];
  const tracing: BatchTracing = {
    batch: (table, events) => {
      told.push(`${table}: ${events.length} events`);
      return {
        headers: new Map(),
        begin: (name) => {
          told.push(name);
          return ({ facts, error }) => told.push(error instanceof Error ? error.message : facts);
        },
        end: (error) => told.push(error instanceof Error ? `ended: ${error.message}` : 'ended'),
      };
    },
    rejected: () => undefined,
  };
  return { tracing, told };
}
const begun = ({ tracing }: { tracing: BatchTracing }): Batch => {
  const batch = batchOf([pendingEvent(1)]);
  const trace = tracing.batch('t', batch.events);
  return trace ? { ...batch, trace } : batch;
};

test('a batch has its trace from its first round to the end of its last', async () => {
  const { tracing, told } = recorder();
  const work = traceBatch({ tracing }, ({ trace }) => of(trace !== undefined));
  expect(await lastValueFrom(work(batchOf([pendingEvent(1), pendingEvent(2)])))).toBe(true);
  expect(told).toEqual(['lake/t: 2 events', 'ended']);
});

test('what ends the process ends the trace with the error, and a stop ends it without', async () => {
  const { tracing, told } = recorder();
  const fails = traceBatch({ tracing }, () =>
    concat(
      of(1),
      throwError(() => new Error('a bug')),
    ),
  );
  await expect(lastValueFrom(fails(batchOf([pendingEvent(1)])))).rejects.toThrow('a bug');
  const stays = traceBatch({ tracing }, () => NEVER);
  stays(batchOf([pendingEvent(1)]))
    .subscribe()
    .unsubscribe();
  expect(told).toEqual(['lake/t: 1 events', 'ended: a bug', 'lake/t: 1 events', 'ended']);
});

test('without tracing the work is left as it is, and a stage is no more than its work', () => {
  const work = () => EMPTY;
  expect(traceBatch({}, work)).toBe(work);
  expect(traced(batchOf([]), 'ack', () => 3)).toBe(3);
});

test('a span ends with its stage, at once or later, and the result comes through', async () => {
  const recorded = recorder();
  const batch = begun(recorded);
  expect(traced(batch, 'ack', () => 3)).toBe(3);
  expect(await traced(batch, 'plan', async () => 4)).toBe(4);
  expect(recorded.told.slice(1)).toEqual(['ack', {}, 'plan', {}]);
});

test('an error comes through too, thrown at once or later', async () => {
  const recorded = recorder();
  const batch = begun(recorded);
  const fail = () => {
    throw new SegmentdError('build_failed', 'no memory');
  };
  expect(() => traced(batch, 'ack', fail)).toThrow('no memory');
  await expect(traced(batch, 'build', async () => fail())).rejects.toMatchObject({ code: 'build_failed' });
  expect(recorded.told.slice(1)).toEqual(['ack', 'no memory', 'build', 'no memory']);
});

const manifest = parseManifest(manifestFile({ version: 4, fragments: [] }));
const segment = { rows: 5, files: [{ bytes: 3 }, { bytes: 4 }] };
test.each([
  [
    { kind: 'missing', manifest, requests: [{ rows: 2 }, { rows: 3 }] },
    { version: 4, segments: 2, rows: 5 },
  ],
  [
    { kind: 'built', build: { segments: [segment, segment] } },
    { segments: 2, rows: 10, bytes: 14 },
  ],
  [
    { kind: 'committed', version: 6, attempts: 2, segments: [1] },
    { version: 6, attempts: 2, segments: 1 },
  ],
  [
    { kind: 'covered', tableVersion: 6, coveredVersion: 5 },
    { version: 6, covered_version: 5 },
  ],
  [{ kind: 'declined', error: new SegmentdError('table_unreadable', 'no') }, { code: 'table_unreadable' }],
  [{ kind: 'moved', cause: 'compacted' }, { cause: 'compacted' }],
  [{ kind: 'requeue' }, {}],
] as const)('a span tells what became of the batch: $0.kind', (result, facts) => {
  const recorded = recorder();
  const batch = begun(recorded);
  traced(batch, 'plan', () => result);
  traced(batch, 'ack', () => undefined, result as unknown as Settleable);
  const expected = { outcome: result.kind, ...facts };
  expect(recorded.told.slice(1)).toEqual(['plan', expected, 'ack', expected]);
});
