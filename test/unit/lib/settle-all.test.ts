import { expect, test } from 'vitest';
import { settleAll } from '../../../src/lib/settle-all.ts';

test('the values come in the order of the promises', async () => {
  const { promise, resolve } = Promise.withResolvers<number>();
  const all = settleAll([promise, Promise.resolve(2)]);
  resolve(1);
  expect(await all).toEqual([1, 2]);
});

test('a failure is told only when all have ended', async () => {
  const { promise, resolve } = Promise.withResolvers<number>();
  const told: string[] = [];
  const all = settleAll([Promise.reject(new Error('first')), promise]).catch((error: Error) =>
    told.push(error.message),
  );
  await new Promise((turn) => setImmediate(turn));
  expect(told).toEqual([]);
  resolve(1);
  await all;
  expect(told).toEqual(['first']);
});
