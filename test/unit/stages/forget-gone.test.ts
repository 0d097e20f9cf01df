import { expect, test, vi } from 'vitest';
import { createPauses } from '../../../src/control/pauses.ts';
import { TableStates } from '../../../src/control/table-states.ts';
import { forgetGone } from '../../../src/stages/forget-gone.ts';

test('a table that was known is forgotten, and that is told once', () => {
  const states = new TableStates(createPauses());
  const telemetry = { tableGone: vi.fn() };
  const context = { states, telemetry: telemetry as never };
  forgetGone(context, 'db/t');
  expect(telemetry.tableGone).not.toHaveBeenCalled();
  states.observed('db/t', 3, []);
  forgetGone(context, 'db/t');
  forgetGone(context, 'db/t');
  expect(telemetry.tableGone.mock.calls).toEqual([[{ table: 'db/t' }]]);
  expect(states.all()).toEqual([]);
});
