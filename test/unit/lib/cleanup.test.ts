import { expect, test } from 'vitest';
import { Releases } from '../../../src/lib/cleanup.ts';

test('releases run one after the other, the last one first', async () => {
  const releases = new Releases();
  const order: string[] = [];
  for (const name of ['first', 'second', 'third']) {
    releases.push(async () => {
      order.push(`${name} begins`);
      await new Promise<void>((resolve) => setImmediate(resolve));
      order.push(`${name} ends`);
    });
  }
  await releases.run();
  expect(order).toEqual(['third', 'second', 'first'].flatMap((name) => [`${name} begins`, `${name} ends`]));
});

test('all of them run though some fail, and the first error is the one that is thrown', async () => {
  const releases = new Releases();
  const ran: string[] = [];
  releases.push(() => ran.push('last'));
  releases.push(() => Promise.reject(new Error('second error')));
  releases.push(() => {
    throw new Error('first error');
  });
  await expect(releases.run()).rejects.toThrow('first error');
  expect(ran).toEqual(['last']);
});

test('even undefined, once thrown, is an error', async () => {
  const releases = new Releases();
  releases.push(() => Promise.reject(undefined));
  await expect(releases.run()).rejects.toBeUndefined();
});

test('running them again does nothing', async () => {
  const releases = new Releases();
  let count = 0;
  releases.push(() => {
    count += 1;
  });
  await releases.run();
  await releases.run();
  expect(count).toBe(1);
});
