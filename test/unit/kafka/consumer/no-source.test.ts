import { expect, test } from 'vitest';
import { noSource } from '../../../../src/kafka/consumer/no-source.ts';
import type { SourceState } from '../../../../src/kafka/consumer/source.ts';

function setUp(isBusy: () => boolean = () => false) {
  const states: SourceState[] = [];
  const source = noSource({ onState: (state) => states.push(state), isBusy });
  let ended = false;
  source.records$.subscribe({
    next: () => expect.unreachable(),
    complete: () => {
      ended = true;
    },
  });
  return { source, states, ended: () => ended };
}

test('it runs without records, and ends once', async () => {
  const { source, states, ended } = setUp();
  expect(source.state()).toBe('connecting');
  await source.start();
  await source.start();
  expect([source.assigned(), source.unacked(), source.oldestUnackedMs(), source.problem()]).toEqual([
    [],
    0,
    0,
    undefined,
  ]);
  await Promise.all([source.drain(1_000), source.drain(1_000)]);
  expect([states, ended()]).toEqual([['running', 'draining', 'stopped'], true]);
  await source.start();
  expect(source.state()).toBe('stopped');
});

test('a drain waits for work that is under way, and no longer than it may', async () => {
  let looks = 0;
  const { source, ended } = setUp(() => ++looks < 3);
  await source.drain(60_000);
  expect([looks, ended()]).toEqual([3, true]);
  const stuck = setUp(() => true);
  await stuck.source.drain(0);
  expect(stuck.ended()).toBe(true);
});
