import { expect, test } from 'vitest';
import { SegmentdError } from '../../../src/lib/errors.ts';
import type { PendingEvent } from '../../../src/model.ts';
import { coalesce } from '../../../src/stages/coalesce.ts';
import type { TestEvent } from './context-fixture.ts';
import { pendingEvent, testContext } from './context-fixture.ts';

/** That of partition 0 in this assignment. */
const { signal } = new AbortController();
const event = (offset: number, version?: number, of = signal): TestEvent =>
  pendingEvent(offset, 't', version === undefined ? {} : { version }, { signal: of });
const waiting = (count: number, version?: number, from = 0): TestEvent[] =>
  Array.from({ length: count }, (_, at) => event(from + at, version));
const acksOf = (events: readonly TestEvent[]) => events.reduce((sum, { record }) => sum + record.acks(), 0);

test('an event behind a hundred that wait is acknowledged at once when one of them has its version', () => {
  for (const version of [undefined, 7]) {
    const [late, others] = [event(500, version), waiting(100, version)];
    const before = [...others];
    expect([coalesce(testContext())(late, others), late.record.acks(), acksOf(before)]).toEqual([true, 1, 0]);
    expect(others).toEqual(before);
  }
});

test('one with a higher version replaces an earlier one, whose offset stays open for it', () => {
  const [late, others] = [event(500, 8), waiting(100, 7)];
  const before = [...others];
  expect(coalesce(testContext())(late, others)).toBe(true);
  expect([late.record.acks(), acksOf(before), others.length]).toEqual([1, 0, 100]);
  const last = others.at(-1);
  expect([last?.event.version, last?.record.position.offset]).toEqual([8, 500n]);
  last?.record.ack();
  expect(before.map(({ record }) => record.acks())).toEqual([...new Array(99).fill(0), 1]);
});

test('however many come, no more than a hundred wait, and the lowest offsets are the ones left open', () => {
  const context = testContext();
  const all = Array.from({ length: 5_000 }, (_, offset) => event(offset, (offset * 7919) % 5_003));
  const pending: PendingEvent[] = [];
  for (const each of all) if (!coalesce(context)(each, pending)) pending.push(each);
  expect(pending).toHaveLength(100);
  expect(Math.max(...pending.map(({ event: { version = 0 } }) => version))).toBe(
    Math.max(...all.map(({ event: { version = 0 } }) => version)),
  );
  const open = all.filter(({ record }) => record.acks() === 0);
  expect(open.map(({ record }) => record.position.offset)).toEqual(
    all.slice(0, 100).map((it) => it.record.position.offset),
  );
  for (const { record } of pending) record?.ack();
  expect(all.every(({ record }) => record.acks() === 1)).toBe(true);
});

test.each(['paused', 'retrying'])('of a table that is %s one event waits, whatever it announces', (state) => {
  const context = testContext();
  if (state === 'paused') context.pauses.pause('lake/t', 'me');
  else {
    const error = new SegmentdError('store_unavailable', 'no');
    context.states.failed('lake/t', error, 1_000);
  }
  const [late, others] = [event(1, 9), [event(0, 8)]];
  expect([coalesce(context)(late, others), others[0]?.event.version]).toEqual([true, 9]);
  expect(coalesce(context)(event(2, 9), [])).toBe(false);
});

const elsewhere = new AbortController().signal;
test.each<[string, TestEvent, PendingEvent[]]>([
  ['few wait', event(500), waiting(99)],
  [
    'those that wait are of another partition, or of this one before a rebalance',
    event(500, 1, elsewhere),
    waiting(100, 1),
  ],
  ['those that wait have moved with their partition', event(500, 1, AbortSignal.abort()), waiting(100, 1)],
  [
    'those that wait name fragments',
    event(500),
    waiting(100).map((it) => ({ ...it, event: { ...it.event, fragments: [1] } })),
  ],
  ['segmentd asked itself for those that wait', event(500), waiting(100).map((it) => ({ ...it, record: null }))],
  ['it names fragments of its own', pendingEvent(500, 't', { fragments: [1] }, { signal }), waiting(100)],
])('it waits like any other when %s', (_when, late, others) => {
  expect([coalesce(testContext())(late, others), late.record.acks()]).toEqual([false, 0]);
});

test('a sweep or refresh is not coalesced', () => {
  expect(coalesce(testContext())({ ...event(500), record: null }, waiting(100))).toBe(false);
});

test.each([
  [98, false],
  [99, true],
])(
  'a record with repeats joins others when many records wait, however few events they are: beside %i repeats %s',
  (count, joins) => {
    const repeats = Array.from({ length: count }, (_, at) => ({
      offset: String(600 + at),
      timestamp: '0',
      value: null,
    }));
    const before = pendingEvent(500, 't', {}, { signal, repeats });
    const late = pendingEvent(900, 't', {}, { signal, repeats });
    expect([coalesce(testContext())(late, [before]), late.record.acks()]).toEqual([joins, joins ? 1 : 0]);
  },
);

test('repeats of a coalesced record are counted once each', () => {
  const context = testContext();
  const repeats = [{ offset: '600', timestamp: '0', value: null }];
  const others = [...waiting(99, 7), pendingEvent(99, 't', { version: 7 }, { signal, repeats })];
  coalesce(context)(pendingEvent(500, 't', { version: 8 }, { signal, repeats }), others);
  const [told] = context.lines.filter(({ event: name }) => name === 'eventSettled');
  // Two of the late event and one of the earlier; the merged event is counted as one when it is settled.
  expect([told?.records, others.at(-1)?.record.repeats]).toEqual([3, []]);
});
