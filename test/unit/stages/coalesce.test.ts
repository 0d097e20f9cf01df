import { expect, test } from 'vitest';
import { SegmentdError } from '../../../src/lib/errors.ts';
import { foldInto } from '../../../src/stages/coalesce.ts';
import type { Item } from '../../../src/stages/work.ts';
import type { TestItem } from './context-fixture.ts';
import { item, testKit } from './context-fixture.ts';

/** That of partition 0 in this assignment. */
const { signal } = new AbortController();
const event = (offset: number, version?: number, of = signal): TestItem =>
  item(offset, 't', version === undefined ? {} : { version }, { signal: of });
const waiting = (count: number, version?: number, from = 0): TestItem[] =>
  Array.from({ length: count }, (_, at) => event(from + at, version));
const acksOf = (items: readonly TestItem[]) => items.reduce((sum, { delivery }) => sum + delivery.acks(), 0);

test('an event behind a hundred that wait is settled at once when one of them says as much', () => {
  for (const version of [undefined, 7]) {
    const [late, others] = [event(500, version), waiting(100, version)];
    const before = [...others];
    expect([foldInto(testKit())(late, others), late.delivery.acks(), acksOf(before)]).toEqual([true, 1, 0]);
    expect(others).toEqual(before);
  }
});

test('one that says more takes the place of an older one, whose offset stays open for it', () => {
  const [late, others] = [event(500, 8), waiting(100, 7)];
  const before = [...others];
  expect(foldInto(testKit())(late, others)).toBe(true);
  expect([late.delivery.acks(), acksOf(before), others.length]).toEqual([1, 0, 100]);
  const last = others.at(-1);
  expect([last?.event.version, last?.delivery.origin.offset]).toEqual([8, 500n]);
  last?.delivery.ack();
  expect(before.map(({ delivery }) => delivery.acks())).toEqual([...new Array(99).fill(0), 1]);
});

test('however many come, no more than a hundred wait, and the lowest offsets are the ones left open', () => {
  const kit = testKit();
  const all = Array.from({ length: 5_000 }, (_, offset) => event(offset, (offset * 7919) % 5_003));
  const lane: Item[] = [];
  for (const each of all) if (!foldInto(kit)(each, lane)) lane.push(each);
  expect(lane).toHaveLength(100);
  expect(Math.max(...lane.map(({ event: { version = 0 } }) => version))).toBe(
    Math.max(...all.map(({ event: { version = 0 } }) => version)),
  );
  const open = all.filter(({ delivery }) => delivery.acks() === 0);
  expect(open.map(({ delivery }) => delivery.origin.offset)).toEqual(
    all.slice(0, 100).map((it) => it.delivery.origin.offset),
  );
  for (const { delivery } of lane) delivery?.ack();
  expect(all.every(({ delivery }) => delivery.acks() === 1)).toBe(true);
});

test.each(['paused', 'parked'])('of a table that is %s one event waits, whatever it announces', (state) => {
  const kit = testKit();
  if (state === 'paused') kit.pauses.pause('lake/t');
  else {
    const error = new SegmentdError('store_unavailable', 'no');
    kit.telemetry.workFailed({ table: 'lake/t', error, nextTryMs: 1_000 });
  }
  const [late, others] = [event(1, 9), [event(0, 8)]];
  expect([foldInto(kit)(late, others), others[0]?.event.version]).toEqual([true, 9]);
  expect(foldInto(kit)(event(2, 9), [])).toBe(false);
});

const elsewhere = new AbortController().signal;
test.each<[string, TestItem, Item[]]>([
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
  ['segmentd asked itself for those that wait', event(500), waiting(100).map((it) => ({ ...it, delivery: null }))],
  ['it names fragments of its own', item(500, 't', { fragments: [1] }, { signal }), waiting(100)],
])('it waits like any other when %s', (_when, late, others) => {
  expect([foldInto(testKit())(late, others), late.delivery.acks()]).toEqual([false, 0]);
});

test('what segmentd asks itself waits like any other', () => {
  expect(foldInto(testKit())({ ...event(500), delivery: null }, waiting(100))).toBe(false);
});

test('records that repeat each other are counted once each, whoever takes their place', () => {
  const kit = testKit();
  const repeats = [{ offset: '600', timestamp: '0' }];
  const others = [...waiting(99, 7), item(99, 't', { version: 7 }, { signal, repeats })];
  foldInto(kit)(item(500, 't', { version: 8 }, { signal, repeats }), others);
  const [told] = kit.lines.filter(({ event: name }) => name === 'eventSettled');
  // Two of the late event and one of the elder, whose place is counted as one when its time comes.
  expect([told?.records, others.at(-1)?.delivery.repeats]).toEqual([3, []]);
});
