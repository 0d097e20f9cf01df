import { lastValueFrom, map, of, retry, toArray } from 'rxjs';
import { expect, test } from 'vitest';
import type { Manifest } from '../../../src/lance/codec/manifest.ts';
import { parseManifest } from '../../../src/lance/codec/manifest.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import type { TableRef } from '../../../src/model.ts';
import { awaitVersion } from '../../../src/stages/await-version.ts';
import { manifestFile } from '../lance/manifest-fixture.ts';
import type { TestContext } from './context-fixture.ts';
import { batchOf, passing, pendingEvent, tableRef, testContext } from './context-fixture.ts';

const at = (version: number) => parseManifest(manifestFile({ version }));
const none = () => new SegmentdError('table_not_found', 'no table');

/** A context whose table shows these answers one after the other, the last one for ever. */
function contextWith(answers: (Manifest | Error)[], versionWaitMs = 60_000): TestContext {
  const latest = async () => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (!answer || answer instanceof Error) throw answer;
    return answer;
  };
  const context = testContext({ table: { latest } });
  return { ...context, settings: { ...context.settings, versionWaitMs } };
}
const through = (context: TestContext, events: ReturnType<typeof pendingEvent>[], plannedVersion = 6) =>
  lastValueFrom(of(batchOf(events, { plannedVersion })).pipe(awaitVersion(context), toArray()));
const version = (offset: number, number: number) => pendingEvent(offset, 't', { version: number });

test('a batch whose versions are visible continues at once', async () => {
  const events = [pendingEvent(0), version(1, 7)];
  expect(await through(contextWith([at(7)]), events)).toMatchObject([{ events }]);
});

test('a batch waits until its version can be seen', async () => {
  const events = [version(0, 7)];
  const context = contextWith([none(), at(5), at(6), at(8)]);
  expect(await through(context, events)).toMatchObject([{ events }]);
  expect(context.deadLetters).toEqual([]);
});

test('a table that is gone is forgotten once, however long its batch waits', async () => {
  const context = contextWith([none(), none(), at(7)]);
  context.states.observed('lake/t', 6, []);
  context.states.failed('lake/t', passing(), 1_000);
  expect(await through(context, [version(0, 7)])).toHaveLength(1);
  expect(context.lines).toMatchObject([{ event: 'tableGone', table: 'lake/t' }]);
  expect([context.states.all(), context.states.retrying]).toEqual([[], 0]);
});

test('a table that is yet to come is not reported as gone', async () => {
  const context = contextWith([none(), at(7)]);
  await through(context, [version(0, 7)]);
  expect(context.lines).toEqual([]);
});

test('a batch does not wait while there is a version that was not planned yet', async () => {
  const events = [version(0, 9)];
  expect(await through(contextWith([at(5), at(6), at(7)]), events)).toMatchObject([{ events, plannedVersion: 6 }]);
  expect(await through(contextWith([at(5)]), events, 4)).toMatchObject([{ events }]);
  const fresh = lastValueFrom(of(batchOf(events)).pipe(awaitVersion(contextWith([at(1)])), toArray()));
  expect(await fresh).toMatchObject([{ events }]);
});

test('a batch with one visible version continues as a whole: the other events are requeued', async () => {
  const events = [version(0, 9), version(1, 4)];
  expect(await through(contextWith([at(5)]), events)).toMatchObject([{ events }]);
});

test('an event whose version never appears goes to the dead-letter topic, and the others continue', async () => {
  const events = [version(0, 9), version(1, 4)];
  const context = contextWith([at(5)], 0);
  const [batch] = await through(context, events);
  expect(batch?.events).toEqual([events[1]]);
  expect(context.deadLetters).toEqual([[0n, 'event_version_not_visible']]);
  expect(events.map(({ record }) => record.acks())).toEqual([1, 0]);
});

test('the time to wait begins when segmentd saw the event, not with the batch', async () => {
  const young = version(0, 9);
  const old = { ...version(1, 9), receivedAtMs: Date.now() - 7_200_000 };
  const context = contextWith([at(5), at(9)], 3_600_000);
  const [batch] = await through(context, [young, old]);
  expect(batch?.events).toEqual([young]);
  expect(context.deadLetters).toEqual([[1n, 'event_version_not_visible']]);
});

test('an event for a table that never appears goes to the dead-letter topic, and no batch is left', async () => {
  const events = [pendingEvent(0), version(1, 1)];
  const context = contextWith([none()], 0);
  expect(await through(context, events)).toEqual([]);
  expect(context.deadLetters.map(([, code]) => code)).toEqual(['event_table_not_found', 'event_table_not_found']);
  expect(events.map(({ record }) => record.acks())).toEqual([1, 1]);
});

test('an event that was dead-lettered is not dead-lettered again when its batch starts over', async () => {
  const events = [pendingEvent(0), version(1, 9), pendingEvent(2)];
  const context = contextWith([at(5)], 0);
  const stage = of(batchOf(events)).pipe(awaitVersion(context));
  let left = 2;
  const failing = stage.pipe(
    map((batch) => {
      if (left-- > 0) throw passing();
      return batch;
    }),
    retry(2),
  );
  expect((await lastValueFrom(failing)).events).toEqual([events[0], events[2]]);
  expect(context.deadLetters).toEqual([[1n, 'event_version_not_visible']]);
  expect(events[1]?.record.acks()).toBe(1);
});

test('an event whose partition moves while it waits is left to its new owner', async () => {
  const moving = new AbortController();
  const moved = pendingEvent(0, 't', { version: 99 }, { signal: moving.signal });
  const context = contextWith([at(5)]);
  const waiting = through(context, [moved]);
  // The first look has begun, so the wait has.
  moving.abort();
  expect(await waiting).toEqual([]);
  expect([context.deadLetters, moved.record.acks()]).toEqual([[], 0]);
});

test('records whose partition has moved are not waited for', async () => {
  const moved = pendingEvent(0, 't', { version: 99 }, { signal: AbortSignal.abort() });
  const context = contextWith([at(5)]);
  expect(await through(context, [moved])).toEqual([]);
  expect([context.deadLetters, moved.record.acks()]).toEqual([[], 0]);
});

test('a table that cannot be reached is a temporary error, not a dead letter', async () => {
  const context = contextWith([passing()], 0);
  await expect(through(context, [pendingEvent(0)])).rejects.toMatchObject({ code: 'store_unavailable' });
  expect(context.deadLetters).toEqual([]);
});

test('a table that a catalog lists elsewhere by now is followed there', async () => {
  const context = contextWith([at(7)]);
  const { open } = context.tables;
  const moved = { ...tableRef('t'), uri: '/lake/775d8cd1_t' };
  const tables = {
    ...context.tables,
    open: (uri: string) => {
      if (uri === moved.uri) return open(uri);
      return { latest: () => Promise.reject(none()), lookEveryMs: 1 } as unknown as ReturnType<typeof open>;
    },
  };
  let asked = 0;
  const locate = async (table: TableRef) => (asked++ === 0 ? table : moved);
  expect(await through({ ...context, tables, locate }, [version(0, 7)])).toMatchObject([{ table: moved }]);
  expect(asked).toBe(2);
});
