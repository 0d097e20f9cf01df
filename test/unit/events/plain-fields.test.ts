import { expect, test } from 'vitest';
import { appendFields } from '../../../src/events/append-fields.ts';
import { plainFields } from '../../../src/events/plain-fields.ts';
import { seeded } from '../../../testing/seeded.ts';

const INPUTS = 1_000_000;

/** Values at and beside each bound of each field, and of every other type. */
const ODD = [undefined, null, true, 0, -0, -1, 1, 1.5, NaN, Infinity, '', 'x', [], {}, [1], 10n, new Date(0)];
const COUNTS = [2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 5, '5', new Number(1)];
const TEXTS = [
  'x'.repeat(256),
  'x'.repeat(257),
  '\u{1f600}'.repeat(128),
  `${'\u{1f600}'.repeat(128)}x`,
  new String('x'),
];
const TABLES = ['lake/t', 'x'.repeat(2_048), 'x'.repeat(2_049)];
const FRAGMENTS = [
  [0, 2 ** 32 - 1],
  [2 ** 32],
  [-1],
  [null],
  ['1'],
  Object.assign(Array(2), [1]),
  Array(100_001).fill(1),
];
const BACKFILLS = [
  { id: 'job', first: 0, last: 1 },
  { id: '', first: 0, last: 1 },
  { id: 'job', first: 0 },
];
const FIELDS: Readonly<Record<string, readonly unknown[]>> = {
  table: TABLES,
  version: COUNTS,
  fragments: FRAGMENTS.slice(0, -1),
  backfill: BACKFILLS,
  id: TEXTS,
  time: TEXTS,
  producer: TEXTS,
  rows: COUNTS,
  extra: TEXTS,
};

/** Mostly a plain event, with a field or two that may be anything. */
function drawn(random: () => number): unknown {
  const pick = <T>(values: readonly T[]) => values[Math.floor(random() * values.length)] as T;
  if (random() < 0.01) return pick(ODD);
  const event: Record<string, unknown> = { table: 'lake/t' };
  const names = Object.keys(FIELDS);
  for (let given = Math.floor(random() * 4); given > 0; given--) {
    const name = pick(names);
    event[name] = random() < 0.3 ? pick(ODD) : pick(FIELDS[name] as readonly unknown[]);
  }
  if (random() < 0.02) delete event.table;
  return event;
}

test('of a million inputs the schema takes each that is plain, and most of what it takes is plain', () => {
  const random = seeded(20261129);
  const counts = { plain: 0, taken: 0, refused: 0 };
  let wrong: unknown;
  for (let at = 0; at < INPUTS && wrong === undefined; at++) {
    const input = drawn(random);
    const isPlain = plainFields(input) !== undefined;
    const isTaken = appendFields.safeParse(input).success;
    if (isPlain && !isTaken) wrong = input;
    if (isPlain) counts.plain += 1;
    counts[isTaken ? 'taken' : 'refused'] += 1;
  }
  expect(wrong).toBeUndefined();
  expect(counts.refused).toBeGreaterThan(INPUTS / 10);
  expect(counts.plain / counts.taken).toBeGreaterThan(0.8);
});

test('a list of more fragments than an event names is left to the schema, and refused by it', () => {
  const input = { table: 'lake/t', fragments: FRAGMENTS.at(-1) };
  expect(plainFields(input)).toBeUndefined();
  expect(appendFields.safeParse(input).success).toBe(false);
});
