import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { memberName } from '../../../src/lib/member-name.ts';

test('a member is told apart from others of its client id, on this machine and elsewhere', () => {
  expect(memberName('segmentd')).toBe(`segmentd@${hostname()}:${process.pid}`);
});
