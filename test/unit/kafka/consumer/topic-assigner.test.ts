import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Member } from '../../../../src/kafka/consumer/topic-assigner.ts';
import { assignTopics } from '../../../../src/kafka/consumer/topic-assigner.ts';

const TOPICS = ['a', 'b', 'c'];
const range = (count: number) => Array.from({ length: count }, (_, id) => id);

const groups = fc.record({
  members: fc.uniqueArray(fc.record({ memberId: fc.uuid(), topics: fc.subarray(TOPICS, { minLength: 1 }) }), {
    minLength: 1,
    maxLength: 6,
    selector: ({ memberId }) => memberId,
  }),
  partitions: fc
    .tuple(...TOPICS.map(() => fc.integer({ min: 0, max: 12 })))
    .map((counts) => new Map(TOPICS.map((topic, at) => [topic, range(counts[at] ?? 0)]))),
});

test('every partition of a subscribed topic has one reader, which subscribes to it', () => {
  fc.assert(
    fc.property(groups, ({ members, partitions }) => {
      const assigned = assignTopics(members, partitions);
      for (const [topic, ids] of partitions) {
        const readers = members.filter(({ topics }) => topics.includes(topic));
        const others = members.filter((member) => !readers.includes(member));
        const given = (each: Member) => assigned.get(each.memberId)?.[topic] ?? [];
        expect(readers.flatMap(given).sort((a, b) => a - b)).toEqual(readers.length > 0 ? ids : []);
        expect(others.flatMap(given)).toEqual([]);
        const loads = readers.map((each) => given(each).length);
        expect(Math.max(0, ...loads) - Math.min(Infinity, ...loads)).toBeLessThanOrEqual(1);
      }
    }),
  );
});

test('a group with one topic is served in turn, by member id', () => {
  const members = ['z', 'b', 'k'].map((memberId) => ({ memberId, topics: ['t'] }));
  expect([...assignTopics(members, new Map([['t', range(7)]]))]).toEqual([
    ['b', { t: [0, 3, 6] }],
    ['k', { t: [1, 4] }],
    ['z', { t: [2, 5] }],
  ]);
});
