import { expect, test } from 'vitest';
import { planAgain } from '../../../src/stages/replan.ts';
import { batchOf, item, testKit } from './context-fixture.ts';

test('a batch goes round again with its records, counted, and the cause is told', () => {
  const kit = testKit();
  const batch = batchOf([item(0)], { replans: 2 });
  expect(planAgain(kit, batch, 'nothing_left')).toEqual({ kind: 'again', batch: { ...batch, replans: 3 } });
  expect(kit.lines).toMatchObject([{ event: 'replanned', table: 'lake/t', cause: 'nothing_left' }]);
});

test('after five rounds without progress it waits like work that failed', () => {
  const around = (replans: number) => () => planAgain(testKit(), batchOf([item(0)], { replans }), 'input_gone');
  expect(around(4)).not.toThrow();
  expect(around(5)).toThrow(expect.objectContaining({ code: 'build_stale', retry: 'after-reload' }));
});
