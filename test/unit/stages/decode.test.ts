import { lastValueFrom, of, toArray } from 'rxjs';
import { expect, test } from 'vitest';
import { SegmentdError } from '../../../src/lib/errors.ts';
import type { ConsumerRecord } from '../../../src/model.ts';
import type { PipelineContext } from '../../../src/stages/context.ts';
import { decode } from '../../../src/stages/decode.ts';
import { consumerRecord, tableRef, testContext } from './context-fixture.ts';

/** Even offsets are events, odd ones are not. */
const decodeRecord: PipelineContext['decodeRecord'] = ({ position }) => {
  if (position.offset % 2n === 1n) throw new SegmentdError('event_not_json', 'not JSON');
  return [{ table: tableRef('t'), version: Number(position.offset) }];
};
const through = (context: PipelineContext, ...records: ConsumerRecord[]) =>
  lastValueFrom(of(...records).pipe(decode(context), toArray()));

test('a record becomes a pending event, and is not acknowledged yet', async () => {
  const record = consumerRecord(4);
  const events = await through(testContext({ decodeRecord }), record);
  expect(events).toMatchObject([{ event: { table: { id: 'lake/t' }, version: 4 }, record: record }]);
  expect(record.acks()).toBe(0);
});

test('a record that is no event goes to the dead-letter topic, is acknowledged after that, and holds up no other', async () => {
  const records = [1, 2, 3].map((offset) => consumerRecord(offset));
  const order: string[] = [];
  const context = testContext({
    decodeRecord,
    deadLetter: async ({ position }, { code }) => {
      await new Promise<void>((resolve) => setImmediate(resolve));
      order.push(`${position.offset} ${code}, acks ${records.map(({ acks }) => acks()).join('')}`);
    },
  });
  const events = await through(context, ...records);
  expect(events.map((it) => it.event.version)).toEqual([2]);
  expect(order).toHaveLength(2);
  expect(order[0]).toBe('1 event_not_json, acks 000');
  expect(records.map(({ acks }) => acks())).toEqual([1, 0, 1]);
  expect(context.lines.some(({ event }) => event === 'eventDeadLettered')).toBe(true);
});

test('whoever traces a record that became a dead letter is told the code', async () => {
  const told: unknown[] = [];
  const tracing = {
    batch: () => undefined,
    rejected: ({ position }: ConsumerRecord, { code }: SegmentdError) => told.push([position.offset, code]),
  };
  await through(testContext({ decodeRecord, tracing }), consumerRecord(1), consumerRecord(2));
  expect(told).toEqual([[1n, 'event_not_json']]);
});

test('a record that the dead-letter topic did not take is not settled', async () => {
  const record = consumerRecord(1);
  const context = testContext({
    decodeRecord,
    deadLetter: () => Promise.reject(new SegmentdError('broker_unavailable', 'no')),
  });
  await expect(through(context, record)).rejects.toMatchObject({ code: 'broker_unavailable' });
  expect(record.acks()).toBe(0);
});

test('a bug in decoding is no bad event: it ends the pipeline, and nothing is settled', async () => {
  const record = consumerRecord(1);
  const bug = new TypeError('bug');
  const context = testContext({
    decodeRecord: () => {
      throw bug;
    },
  });
  await expect(through(context, record)).rejects.toBe(bug);
  expect([record.acks(), context.deadLetters]).toEqual([0, []]);
});

test('a record with several events is settled when the last of them is; one without any, at once', async () => {
  const [several, none] = [consumerRecord(0), consumerRecord(2)];
  const context = testContext({
    decodeRecord: ({ position }) =>
      position.offset === 0n ? ['a', 'b', 'c'].map((name) => ({ table: tableRef(name) })) : [],
  });
  const events = await through(context, several, none);
  expect(events.map(({ event }) => event.table.name)).toEqual(['a', 'b', 'c']);
  expect([several.acks(), none.acks()]).toEqual([0, 1]);
  for (const [at, { record: part }] of events.entries()) {
    // Work that failed and starts over may settle a part again.
    part?.ack();
    part?.ack();
    expect(several.acks()).toBe(at === 2 ? 1 : 0);
  }
});

const repeats = [
  { offset: '5', timestamp: '1005', value: Buffer.from('five') },
  { offset: '7', timestamp: '1007', value: Buffer.from('seven') },
];

test('of consecutive records that say the same one is processed; if it is no event, each becomes a dead letter with its own bytes', async () => {
  const [good, bad] = [consumerRecord(4, { repeats }), consumerRecord(3, { repeats })];
  const letters: [bigint, number, string][] = [];
  const context = testContext({
    decodeRecord,
    deadLetter: async ({ position, timestampMs, value }) =>
      void letters.push([position.offset, timestampMs, String(value)]),
  });
  expect(await through(context, good, bad)).toMatchObject([{ record: good }]);
  expect(letters).toEqual([
    [3n, bad.timestampMs, String(bad.value)],
    [5n, 1005, 'five'],
    [7n, 1007, 'seven'],
  ]);
  expect([good.acks(), bad.acks()]).toEqual([0, 1]);
});

test('of consecutive records that say the same each is refused with words about itself', async () => {
  const said: string[] = [];
  const context = testContext({
    decodeRecord: ({ value }) => {
      throw new SegmentdError('event_not_json', `not JSON: ${value}`);
    },
    deadLetter: async (_, { message }) => void said.push(message),
  });
  await through(context, consumerRecord(3, { repeats }));
  expect(said.slice(1)).toEqual(['not JSON: five', 'not JSON: seven']);
});

test('equal consecutive records are each counted', async () => {
  const context = testContext({ decodeRecord: () => [] });
  await through(context, consumerRecord(4, { repeats }));
  expect(context.lines.find(({ event }) => event === 'recordIgnored')).toMatchObject({ offset: '4', records: 3 });
});
