import { expect, test } from 'vitest';
import { AskedWork } from '../../../src/control/asked-work.ts';
import { tableRef } from '../stages/context-fixture.ts';

test('a table has one piece of work, whatever is asked meanwhile, and may be asked again once it is done', () => {
  const asked = new AskedWork<number>();
  const heard: string[] = [];
  asked.onAsked(({ id }) => heard.push(id));
  expect([asked.ask(tableRef('a'), 1), asked.ask(tableRef('a'), 2), asked.ask(tableRef('b'), 3)]).toEqual([
    true,
    false,
    true,
  ]);
  expect([asked.of('lake/a'), asked.of('lake/b'), asked.of('lake/c')]).toEqual([1, 3, undefined]);
  asked.done('lake/a');
  expect([asked.of('lake/a'), asked.ask(tableRef('a'), 4), asked.of('lake/a')]).toEqual([undefined, true, 4]);
  expect(heard).toEqual(['lake/a', 'lake/b', 'lake/a']);
});
