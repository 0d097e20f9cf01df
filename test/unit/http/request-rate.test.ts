import { expect, test } from 'vitest';
import { RequestRate } from '../../../src/http/request-rate.ts';

test('as many as are allowed may come at once, and then as many a second', () => {
  let now = 0;
  const rate = new RequestRate(() => now);
  const taken = (tries: number, address = 'a') =>
    Array.from({ length: tries }, () => rate.take(address, 4)).filter(Boolean).length;
  expect(taken(10)).toBe(4);
  now += 500;
  expect(taken(10)).toBe(2);
  expect(taken(10, 'b')).toBe(4);
  now += 60_000;
  expect(taken(10)).toBe(4);
});

test('another limit holds at once', () => {
  const rate = new RequestRate(() => 0);
  expect(rate.take('a', 100)).toBe(true);
  expect([rate.take('a', 1), rate.take('a', 1)]).toEqual([true, false]);
});

test('made-up addresses do not accumulate', () => {
  const rate = new RequestRate(() => 0);
  expect([rate.take('first', 1), rate.take('first', 1)]).toEqual([true, false]);
  for (let at = 0; at < 5_000; at++) rate.take(`a${at}`, 1);
  // Forgotten, and so as good as new.
  expect(rate.take('first', 1)).toBe(true);
});
