import { expect, test } from 'vitest';
import {
  partitionsInFile,
  partitionsOf,
  wholePartitions,
} from '../../../../../src/lance/plan/kinds/vector-partitions.ts';

const whole = (rows: number, largest: { rows: number; partitions: number } | null = null) =>
  wholePartitions({ rows, largest, usualRows: 4096 });

test("an index of which nothing is known gets Lance's own number, and more for what is to come", () => {
  expect([whole(0), whole(4096), whole(200_000), whole(1e9)]).toEqual([1, 1, 69, 4096]);
});

test('that of the index grows with the square root of its rows, as its segments do, and with the table', () => {
  expect(whole(100_000, { rows: 100_000, partitions: 256 })).toBe(256);
  expect(whole(400_000, { rows: 100_000, partitions: 256 })).toBe(512);
  // Made when the table was small.
  expect(whole(1_000_000, { rows: 10_000, partitions: 2 })).toBe(345);
  // Segments that were made so lead to the same again.
  expect(whole(1_000_000, { rows: 250_000, partitions: partitionsOf(250_000, 1_000_000, 345) })).toBe(346);
});

test('an index that was given few partitions keeps to few', () => {
  expect(whole(200_000, { rows: 100_000, partitions: 4 })).toBe(6);
  expect(whole(200_000, { rows: 100_000, partitions: 1 })).toBe(1);
});

test('a segment gets its share, at least one, and no more than its rows can train', () => {
  expect(partitionsOf(200_000, 200_000, 49)).toBe(49);
  expect(partitionsOf(90_000, 200_000, 49)).toBe(33);
  expect(partitionsOf(10_000, 200_000, 49)).toBe(11);
  expect(partitionsOf(40, 200_000, 4096)).toBe(1);
  expect(partitionsOf(1000, 1000, 4096)).toBe(31);
  expect(partitionsOf(0, 0, 10)).toBe(1);
});

// Sizes that LanceDB 0.39 wrote, over vectors of 64 float, 64 double and 8 halffloat.
test.each([
  [585, 256, 1],
  [844, 256, 2],
  [2657, 256, 9],
  [10_749, 256, 40],
  [839, 512, 1],
  [20_991, 512, 40],
  [481, 16, 8],
  [1149, 16, 40],
  [0, 256, 1],
])('a file of %i bytes, of vectors of %i bytes, has %i partitions', (bytes, vectorBytes, partitions) => {
  expect(partitionsInFile(bytes, vectorBytes)).toBe(partitions);
});
