import { expect, test } from 'vitest';
import { Cleanup } from '../../../src/lib/cleanup.ts';

test('callbacks run one after the other, the last one first', async () => {
  const cleanup = new Cleanup();
  const order: string[] = [];
  for (const name of ['first', 'second', 'third']) {
    cleanup.defer(async () => {
      order.push(`${name} begins`);
      await new Promise<void>((resolve) => setImmediate(resolve));
      order.push(`${name} ends`);
    });
  }
  await cleanup.run();
  expect(order).toEqual(['third', 'second', 'first'].flatMap((name) => [`${name} begins`, `${name} ends`]));
});

test('all of them run though some fail, and the first error is the one that is thrown', async () => {
  const cleanup = new Cleanup();
  const ran: string[] = [];
  cleanup.defer(() => ran.push('last'));
  cleanup.defer(() => Promise.reject(new Error('second error')));
  cleanup.defer(() => {
    throw new Error('first error');
  });
  await expect(cleanup.run()).rejects.toThrow('first error');
  expect(ran).toEqual(['last']);
});

test('even undefined, once thrown, is an error', async () => {
  const cleanup = new Cleanup();
  cleanup.defer(() => Promise.reject(undefined));
  await expect(cleanup.run()).rejects.toBeUndefined();
});

test('running them again does nothing', async () => {
  const cleanup = new Cleanup();
  let count = 0;
  cleanup.defer(() => {
    count += 1;
  });
  await cleanup.run();
  await cleanup.run();
  expect(count).toBe(1);
});
