import { expect, test } from 'vitest';
import { publishSpread } from '../../../src/events/publish-events.ts';
import type { OutRecord } from '../../../src/kafka/producer.ts';
import { tableRef } from '../stages/context-fixture.ts';

const events = Array.from({ length: 10 }, (_, version) => ({ table: tableRef('t'), version }));

async function published(options?: { headers: ReadonlyMap<string, string> }): Promise<readonly OutRecord[]> {
  const records: OutRecord[] = [];
  const send = async (_: string, some: readonly OutRecord[]) => void records.push(...some);
  await publishSpread({ send, close: async () => undefined }, 'appends', 3, events, options);
  return records;
}

test('events go to all partitions in turn', async () => {
  const partitions = (await published()).map(({ partition = -1 }) => partition);
  expect(partitions.map((it) => (it - (partitions[0] ?? 0) + 3) % 3)).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2, 0]);
});

test('each carries the headers that are given, and none without', async () => {
  const headers = new Map([['traceparent', 'of the batch']]);
  for (const record of await published({ headers })) expect(record.headers).toBe(headers);
  for (const record of await published()) expect(record).not.toHaveProperty('headers');
});
