import { expect, test } from 'vitest';
import { existing, refuseElsewhere } from '../../../src/daemon/asked-tables.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import { tableRef, testContext } from '../stages/context-fixture.ts';

const failing = (code: 'table_not_found' | 'store_unavailable') =>
  testContext({ table: { latest: () => Promise.reject(new SegmentdError(code, 'no')) } });

test('a table that turns out to be gone is forgotten at once', async () => {
  const context = failing('table_not_found');
  context.states.observed('lake/t', 3, []);
  const refused = { code: 'event_table_not_found', message: 'there is no table lake/t' };
  await expect(existing(context, tableRef('t'), 'refresh')).rejects.toMatchObject(refused);
  expect(context.states.knows('lake/t')).toBe(false);
  expect(context.lines.map(({ event }) => event)).toEqual(['tableGone']);
  const ahead = { ...refused, hint: expect.stringContaining('?force=true') };
  await expect(existing(context, tableRef('t'), 'pause')).rejects.toMatchObject(ahead);
});

test('a table whose store does not answer is still there, and one that moved is followed', async () => {
  const context = failing('store_unavailable');
  context.states.observed('lake/t', 3, []);
  expect(await existing(context, tableRef('t'), 'status')).toEqual(tableRef('t'));
  const moved = { ...failing('table_not_found'), locate: async () => tableRef('elsewhere') };
  moved.states.observed('lake/t', 3, []);
  expect(await existing(moved, tableRef('t'), 'status')).toEqual(tableRef('elsewhere'));
  expect([context.states.knows('lake/t'), moved.states.knows('lake/t')]).toEqual([true, true]);
});

test('a pause that would be in force on the wrong member alone is refused; what is paused here can be resumed', () => {
  const { pauses } = testContext();
  const run = (command: 'pause' | 'resume' | 'refresh', isElsewhere: boolean) => () =>
    refuseElsewhere({ pauses, ownership: { isElsewhere: () => isElsewhere } }, command, 'lake/t');
  const elsewhere = expect.objectContaining({ code: 'owner_elsewhere' });
  for (const command of ['pause', 'resume'] as const) {
    expect(run(command, true)).toThrow(elsewhere);
    expect(run(command, false)).not.toThrow();
  }
  expect(run('refresh', true)).not.toThrow();
  pauses.pause('lake/t', 'me');
  expect(run('resume', true)).not.toThrow();
});
