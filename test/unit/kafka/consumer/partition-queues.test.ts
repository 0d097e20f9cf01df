import fc from 'fast-check';
import type { KafkaMessage } from 'kafkajs';
import { expect, test } from 'vitest';
import { Fetched } from '../../../../src/kafka/consumer/consumer-record.ts';
import { PartitionQueues } from '../../../../src/kafka/consumer/partition-queues.ts';
import type { ConsumerRecord } from '../../../../src/model.ts';

/** Each has a key of its own: those that are the same would be one. */
const message = (offset: number, value: Buffer | null): KafkaMessage => ({
  offset: String(offset),
  timestamp: '0',
  key: Buffer.from(String(offset)),
  value,
  attributes: 0,
  headers: {},
});
const batch = (from: number, count: number, value: Buffer | null = null): Fetched =>
  new Fetched(Array.from({ length: count }, (_, index) => message(from + index, value)));

function rig(maxInFlight: number) {
  const got: ConsumerRecord[] = [];
  const paused = new Set<number>();
  const state = { ready: true };
  const queues = new PartitionQueues('t', maxInFlight, {
    ready: () => state.ready,
    deliver: (record) => got.push(record),
    pause: (partition) => paused.add(partition),
    resume: (partition) => paused.delete(partition),
    nowMs: () => 0,
  });
  return { queues, got, paused, state };
}

test('pauses a partition that is ahead and resumes it when the buffer is short again', () => {
  const { queues, got, paused } = rig(3);
  queues.assign([0]);
  queues.accept(0, batch(0, 10), 10n);
  expect(got).toHaveLength(3);
  expect(paused).toEqual(new Set([0]));
  for (let next = 0; next < 4; next++) got[next]?.ack();
  expect(got).toHaveLength(7);
  expect(paused.size).toBe(0);
});

test('partitions take turns', () => {
  const { queues, got } = rig(4);
  queues.assign([0, 1]);
  queues.accept(0, batch(0, 100), 100n);
  queues.accept(1, batch(0, 100), 100n);
  for (let next = 0; next < 40; next++) got[next]?.ack();
  const second = got.filter(({ position }) => position.partition === 1).length;
  expect(Math.abs(second - got.length / 2)).toBeLessThanOrEqual(4);
});

test('one open record holds back what its partition commits, and nothing that is delivered', () => {
  const { queues, got } = rig(2);
  queues.assign([0, 1]);
  queues.accept(0, batch(0, 100), 100n);
  queues.accept(1, batch(0, 100), 100n);
  for (let next = 1; next < got.length; next++) got[next]?.ack();
  expect(got).toHaveLength(200);
  expect(queues.pendingCommits()).toEqual(new Map([[1, 100n]]));
});

test('large records are handed out and read until they take 64 MiB, a single one whatever its size', () => {
  const { queues, got, paused } = rig(1_000);
  queues.assign([0]);
  const megabyte = Buffer.alloc(1024 * 1024 - 2);
  queues.accept(0, batch(0, 67, megabyte), 67n);
  expect([got.length, paused.size]).toEqual([64, 0]);
  queues.accept(0, batch(67, 10, megabyte), 77n);
  expect([got.length, paused.size]).toEqual([64, 1]);
  for (let next = 0; next < 9; next++) got[next]?.ack();
  expect([got.length, paused.size]).toEqual([73, 0]);
  for (let next = 9; next < 77; next++) got[next]?.ack();
  const huge = Buffer.alloc(65 * 1024 * 1024);
  queues.accept(0, batch(77, 2, huge), 79n);
  expect(got).toHaveLength(78);
  got[77]?.ack();
  expect(got).toHaveLength(79);
});

test('acks of an old assignment change nothing, and its credit is free again', () => {
  const { queues, got, paused } = rig(2);
  queues.assign([0, 1]);
  queues.accept(0, batch(0, 50), 50n);
  const old = [...got];
  queues.retire();
  expect(queues.unacked).toBe(0);
  expect(old.some(({ signal }) => signal.aborted)).toBe(false);
  queues.accept(0, batch(50, 5), 55n);
  expect(got).toHaveLength(2);
  queues.assign([1]);
  expect(old.every(({ signal }) => signal.aborted)).toBe(true);
  for (const record of old) record.ack();
  expect(queues.pendingCommits().size).toBe(0);
  expect(paused).toEqual(new Set([0]));
  queues.assign([0]);
  queues.accept(0, batch(0, 5), 5n);
  expect(got).toHaveLength(4);
  expect(got[2]?.signal.aborted).toBe(false);
});

test('a commit that lands after a rebalance does not count for the new assignment', () => {
  const { queues, got } = rig(10);
  queues.assign([0]);
  queues.accept(0, batch(0, 5), 5n);
  for (const record of got) record.ack();
  const offsets = queues.pendingCommits();
  expect(offsets).toEqual(new Map([[0, 5n]]));
  const landed = queues.committer(offsets);
  queues.assign([0]);
  queues.accept(0, batch(3, 1), 4n);
  got.at(-1)?.ack();
  landed();
  expect(queues.pendingCommits()).toEqual(new Map([[0, 4n]]));
});

test('nothing that was dropped is delivered or committed', () => {
  const { queues, got } = rig(2);
  queues.assign([0]);
  queues.accept(0, batch(0, 10), 12n);
  queues.dropBuffers();
  queues.accept(0, batch(12, 2), 14n);
  for (const record of got) record.ack();
  expect(got).toHaveLength(2);
  expect(queues.pendingCommits()).toEqual(new Map([[0, 2n]]));
});

test('an ack from inside the record is fine', () => {
  let most = 0;
  let count = 0;
  const queues: PartitionQueues = new PartitionQueues('t', 1, {
    ready: () => true,
    deliver: (record) => {
      most = Math.max(most, queues.unacked);
      count++;
      record.ack();
    },
    pause: () => undefined,
    resume: () => undefined,
    nowMs: () => 0,
  });
  queues.assign([0]);
  queues.accept(0, batch(0, 20_000), 20_000n);
  expect([most, count]).toEqual([1, 20_000]);
  expect(queues.pendingCommits()).toEqual(new Map([[0, 20_000n]]));
});

test('whatever happens, a committed offset never passes an unacknowledged record', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('fetch' as const), partition: fc.nat(2), count: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ do: fc.constant('ack' as const), pick: fc.nat() }),
    fc.record({ do: fc.constant('commit' as const) }),
    fc.record({ do: fc.constant('rebalance' as const), partitions: fc.subarray([0, 1, 2]) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), fc.integer({ min: 1, max: 12 }), (steps, maxInFlight) => {
      const { queues, got } = rig(maxInFlight);
      const acked = [new Set<bigint>(), new Set<bigint>(), new Set<bigint>()];
      const position = [0, 0, 0];
      const committed = [0, 0, 0];
      queues.assign([0, 1, 2]);
      for (const each of steps) {
        if (each.do === 'fetch') {
          if (!queues.assigned.includes(each.partition)) continue;
          const from = position[each.partition] ?? 0;
          position[each.partition] = from + each.count;
          queues.accept(each.partition, batch(from, each.count), BigInt(from + each.count));
        } else if (each.do === 'ack') {
          const record = got[each.pick % Math.max(1, got.length)];
          if (record === undefined) continue;
          record.ack();
          acked[record.position.partition]?.add(record.position.offset);
        } else if (each.do === 'commit') {
          const offsets = queues.pendingCommits();
          for (const [partition, next] of offsets) {
            for (let offset = 0n; offset < next; offset++) expect(acked[partition]?.has(offset)).toBe(true);
            expect(Number(next)).toBeGreaterThan(committed[partition] ?? 0);
            committed[partition] = Number(next);
          }
          queues.committer(offsets)();
        } else {
          queues.assign(each.partitions);
          for (const partition of each.partitions) position[partition] = committed[partition] ?? 0;
        }
        expect(queues.unacked).toBeLessThanOrEqual(maxInFlight);
      }
    }),
  );
});
