import { expect, test } from 'vitest';
import { requeue } from '../../../src/stages/replan.ts';
import { batchOf, item, testKit } from './context-fixture.ts';

test('a batch goes round again with its records, counted, and the cause is told', () => {
  const context = testKit();
  const batch = batchOf([item(0)], { replanCount: 2 });
  expect(requeue(context, batch, 'nothing_left')).toEqual({ kind: 'requeue', batch: { ...batch, replanCount: 3 } });
  expect(context.lines).toMatchObject([{ event: 'replanned', table: 'lake/t', cause: 'nothing_left' }]);
});

test('after five rounds without progress it waits like work that failed', () => {
  const around = (replans: number) => () =>
    requeue(testKit(), batchOf([item(0)], { replanCount: replans }), 'input_gone');
  expect(around(4)).not.toThrow();
  expect(around(5)).toThrow(expect.objectContaining({ code: 'build_stale', retry: 'after-reload' }));
});
