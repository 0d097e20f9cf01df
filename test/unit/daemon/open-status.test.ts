import { expect, test } from 'vitest';
import { countsOf } from '../../../src/daemon/open-status.ts';

test('the metrics name the paused tables of this member, and of no other', () => {
  const states = { retrying: 2, declinedByReason: new Map(), paused: ['db/here', 'db/there'] };
  const ownership = { isElsewhere: (table: string) => table === 'db/there' };
  expect(countsOf(states, ownership)).toMatchObject({ retrying: 2, paused: ['db/here'] });
});
