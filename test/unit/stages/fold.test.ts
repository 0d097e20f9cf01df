import { expect, test } from 'vitest';
import type { LanceTable } from '../../../src/lance/table.ts';
import { foldInto } from '../../../src/stages/fold.ts';
import type { Item } from '../../../src/stages/work.ts';
import { delivery, tableRef, testKit } from './kit-fixture.ts';

const KNOWN = 10;
const event = (offset: number, version?: number): Item & { acks: () => number } => {
  const record = delivery(offset);
  const announced = version === undefined ? {} : { version };
  return { event: { table: tableRef('t'), ...announced }, delivery: record, seenMs: 0, acks: record.acks };
};
const fold = foldInto(testKit({ table: { knownVersion: KNOWN } as Partial<LanceTable> }));
const waiting = (count: number, version?: number) =>
  Array.from({ length: count }, (_, offset) => event(offset, version));

test('an event behind a hundred that wait is settled at once, since an older one holds back its offset', () => {
  for (const version of [undefined, KNOWN]) {
    const late = event(500, version);
    expect([fold(late, waiting(100, version)), late.acks()]).toEqual([true, 1]);
  }
});

test.each<[string, Item & { acks: () => number }, Item[]]>([
  ['few wait', event(500), waiting(99)],
  ['it announces a version that nobody has seen', event(500, KNOWN + 1), waiting(100)],
  ['those that wait are younger', event(0), waiting(100).map((_, at) => event(at + 1))],
  ['those that wait may end as dead letters', event(500, KNOWN), waiting(100, KNOWN + 1)],
  ['it names fragments of its own', { ...event(500), event: { table: tableRef('t'), fragments: [1] } }, waiting(100)],
])('it waits like any other when %s', (_when, late, others) => {
  expect([fold(late, others), late.acks()]).toEqual([false, 0]);
});
