import type { MemberDescription } from 'kafkajs';
import { AssignerProtocol } from 'kafkajs';
import { expect, test } from 'vitest';
import { groupView } from '../../../src/kafka/group-view.ts';

const { MemberAssignment, MemberMetadata } = AssignerProtocol;

const described = (memberId: string, name: string, partitions?: number[]): MemberDescription => ({
  ...{ memberId, clientId: 'segmentd', clientHost: '/10.0.0.7' },
  memberMetadata: MemberMetadata.encode({ version: 0, topics: ['t'], userData: Buffer.from(name) }),
  memberAssignment: partitions
    ? MemberAssignment.encode({ version: 0, assignment: { t: partitions, other: [9] }, userData: Buffer.alloc(0) })
    : Buffer.alloc(0),
});

test('members are named as they name themselves, with the partitions of the topic that they read', () => {
  const view = groupView([described('b', 'b@host:2', [3, 1]), described('a', 'a@host:1', [0])], 't', [0, 1, 2, 3], 0);
  expect(view).toEqual({
    members: [
      { member: 'a@host:1', host: '10.0.0.7', partitions: [0] },
      { member: 'b@host:2', host: '10.0.0.7', partitions: [1, 3] },
    ],
    unowned_partitions: [2],
    at: '1970-01-01T00:00:00.000Z',
  });
});

test('without members, or while they join, nothing is owned', () => {
  expect(groupView([], 't', [1, 0], 0)).toMatchObject({ members: [], unowned_partitions: [0, 1] });
  expect(groupView([described('a', 'a', undefined)], 't', [0], 0).unowned_partitions).toEqual([0]);
});

test('a member of another program may say anything', () => {
  const odd = { ...described('odd-1', ''), memberMetadata: Buffer.of(1), memberAssignment: Buffer.from('???????????') };
  expect(groupView([odd, described('old-1', '', [0])], 't', [0], 0)).toMatchObject({
    members: [
      { member: 'odd-1', partitions: [] },
      { member: 'old-1', partitions: [0] },
    ],
    unowned_partitions: [],
  });
});
