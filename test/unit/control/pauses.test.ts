import { expect, test } from 'vitest';
import { createPauses } from '../../../src/control/pauses.ts';

test('a pause says since when and by whom, and its end is remembered', () => {
  let now = 5;
  const pauses = createPauses(() => now);
  expect([pauses.of('lake/t'), pauses.lastEndedMs('lake/t')]).toEqual([null, 0]);
  expect([pauses.pause('lake/t', 'me'), pauses.pause('lake/t', 'you')]).toEqual([true, false]);
  expect([pauses.of('lake/t'), pauses.paused()]).toMatchObject([{ sinceMs: 5, by: 'me' }, ['lake/t']]);
  now = 9;
  expect([pauses.resume('lake/t'), pauses.resume('lake/t')]).toEqual([true, false]);
  expect([pauses.of('lake/t'), pauses.lastEndedMs('lake/t'), pauses.paused()]).toEqual([null, 9, []]);
});

test('a pause may have begun before this process, and never in the future', () => {
  const pauses = createPauses(() => 9);
  pauses.pause('lake/t', 'me', 5);
  pauses.pause('lake/u', 'me', 10);
  expect([pauses.of('lake/t'), pauses.of('lake/u')]).toMatchObject([{ sinceMs: 5 }, { sinceMs: 9 }]);
});

test('work that waits for a table continues when that table is resumed, and at once when it is not paused', async () => {
  const pauses = createPauses();
  await pauses.whenResumed('lake/t');
  pauses.pause('lake/t', 'me');
  pauses.pause('lake/u', 'me');
  const order: string[] = [];
  const waiting = pauses.whenResumed('lake/t').then(() => order.push('t'));
  pauses.resume('lake/u');
  await Promise.resolve();
  order.push('resume');
  pauses.resume('lake/t');
  await waiting;
  expect(order).toEqual(['resume', 't']);
});
