import { lastValueFrom, of, toArray } from 'rxjs';
import { expect, test } from 'vitest';
import { SegmentdError } from '../../../src/lib/errors.ts';
import { ack } from '../../../src/stages/ack.ts';
import type { Settleable } from '../../../src/stages/work.ts';
import { batchOf, pendingEvent, testContext } from './context-fixture.ts';

const through = (context: ReturnType<typeof testContext>, done: Settleable) =>
  lastValueFrom(of(done).pipe(ack(context), toArray()));

const covered = (events: Parameters<typeof batchOf>[0], coveredVersion: number): Settleable => ({
  kind: 'covered',
  batch: batchOf(events),
  coveredVersion,
  tableVersion: coveredVersion + 1,
  committed: true,
  indexes: [],
});

test('events up to the covered version are acknowledged, later ones are requeued', async () => {
  const events = [
    pendingEvent(0),
    pendingEvent(1, 't', { version: 4 }),
    pendingEvent(2, 't', { version: 5 }),
    pendingEvent(3, 't', { version: 6 }),
  ];
  const context = testContext();
  const left = await through(context, covered(events, 5));
  expect(events.map(({ record }) => record.acks())).toEqual([1, 1, 1, 0]);
  expect(left.map(({ events: rest, plannedVersion }) => [rest, plannedVersion])).toEqual([[[events[3]], 5]]);
  expect(context.lines.find(({ event }) => event === 'batchCovered')).toMatchObject({
    table: 'lake/t',
    coveredVersion: 5,
    events: 3,
  });
});

test('a batch that is acknowledged whole is not requeued', async () => {
  const events = [pendingEvent(0), pendingEvent(1)];
  expect(await through(testContext(), covered(events, 5))).toEqual([]);
  expect(events.map(({ record }) => record.acks())).toEqual([1, 1]);
});

test('records that repeat an event are settled and counted with it', async () => {
  const repeats = [{ offset: '1', timestamp: '0', value: null }];
  const context = testContext();
  await through(context, covered([pendingEvent(0, 't', {}, { repeats })], 5));
  expect(context.lines.find(({ event }) => event === 'eventSettled')).toMatchObject({
    outcome: 'accepted',
    records: 2,
  });
});

test('a record time that says nothing of a delay is no sample of it, and its event counts all the same', async () => {
  const context = testContext();
  const month = 31 * 86_400_000;
  const times = [0, Date.now() - month, Date.now()].map((timestampMs, at) =>
    pendingEvent(at, 't', {}, { timestampMs }),
  );
  await through(context, covered(times, 5));
  const line = context.lines.find(({ event }) => event === 'batchCovered');
  expect(line).toMatchObject({ events: 3 });
  expect(line?.slowestSeconds).toBeLessThan(86_400);
  expect(times.map(({ record }) => record.acks())).toEqual([1, 1, 1]);
});

test('a requeued batch keeps all its records', async () => {
  const events = [pendingEvent(0), pendingEvent(1)];
  const batch = batchOf(events, { replanCount: 2 });
  expect(await through(testContext(), { kind: 'requeue', batch })).toEqual([batch]);
  expect(events.map(({ record }) => record.acks())).toEqual([0, 0]);
});

test('each decline, also one that is no news, drops what was known of the indexes', async () => {
  const unknown: string[] = [];
  const quiet = testContext();
  const telemetry = { ...quiet.telemetry, indexesUnknown: ({ table }: { table: string }) => void unknown.push(table) };
  const context = { ...quiet, telemetry };
  const error = new SegmentdError('column_not_found', 'no column');
  for (const offset of [0, 1])
    await through(context, { kind: 'declined', batch: batchOf([pendingEvent(offset)]), error });
  expect(unknown).toEqual(['lake/t', 'lake/t']);
});

test('a declined table settles its records, since trying again would give the same answer', async () => {
  const events = [pendingEvent(0), pendingEvent(1, 't', { version: 99 })];
  const context = testContext();
  const error = new SegmentdError('table_stable_row_ids', 'why');
  expect(await through(context, { kind: 'declined', batch: batchOf(events), error })).toEqual([]);
  expect(events.map(({ record }) => record.acks())).toEqual([1, 1]);
  expect(context.lines.find(({ event }) => event === 'tableDeclined')).toMatchObject({
    code: 'table_stable_row_ids',
    error: 'why',
  });
});
