import { AssignerProtocol } from 'kafkajs';
import { expect, test } from 'vitest';
import { groupView } from '../../../src/kafka/group-view.ts';

const assignment = (topics: Record<string, number[]>) =>
  AssignerProtocol.MemberAssignment.encode({ version: 0, assignment: topics, userData: Buffer.alloc(0) });
const member = (memberId: string, memberAssignment: Buffer) => ({
  ...{ memberId, memberAssignment, clientId: 'segmentd', clientHost: '/10.0.0.1', memberMetadata: Buffer.alloc(0) },
});

test('names the members, the partitions of the topic that each reads, and those that none reads', () => {
  const members = [member('b', assignment({ appends: [4, 0], other: [3] })), member('a', assignment({ appends: [1] }))];
  expect(groupView({ members }, 'appends', [4, 3, 2, 1, 0])).toEqual({
    members: [
      { member: 'a', host: '10.0.0.1', partitions: [1] },
      { member: 'b', host: '10.0.0.1', partitions: [0, 4] },
    ],
    unowned: [2, 3],
  });
});

test.each([
  ['while it rebalances', Buffer.alloc(0)],
  ['with an assignment of another program', Buffer.from([0, 0, 0, 0, 0, 9])],
])('counts a member %s, which reads nothing', (_, bytes) => {
  const view = groupView({ members: [member('a', bytes)] }, 'appends', [0, 1]);
  expect(view).toMatchObject({ members: [{ member: 'a', partitions: [] }], unowned: [0, 1] });
});

test('a group without members owns nothing', () => {
  expect(groupView({ members: [] }, 'appends', [0])).toEqual({ members: [], unowned: [0] });
});
