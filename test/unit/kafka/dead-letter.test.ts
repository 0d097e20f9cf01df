import { expect, test } from 'vitest';
import type { KafkaSettings } from '../../../src/kafka/client.ts';
import { openDeadLetters } from '../../../src/kafka/dead-letter.ts';
import type { OutRecord, RecordProducer } from '../../../src/kafka/producer.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import { consumerRecord } from '../stages/context-fixture.ts';

const sizeOf = ({ key, value, headers = new Map() }: OutRecord) =>
  [...headers].reduce((sum, [name, content]) => sum + name.length + content.length, 0) +
  (key?.length ?? 0) +
  (value?.length ?? 0);

/** Takes records up to a size, as a topic does. */
function topicOf(maxBytes: number) {
  const taken: OutRecord[] = [];
  const producer: RecordProducer = {
    async send(_, records) {
      if (records.some((record) => sizeOf(record) > maxBytes)) throw new SegmentdError('event_too_large', 'no');
      taken.push(...records);
    },
    close: async () => undefined,
  };
  return { taken, letters: openDeadLetters({ deadLetterTopic: 'dead' } as KafkaSettings, producer) };
}

const big = Buffer.alloc(1_000);
const refusal = new SegmentdError('event_not_json', 'no JSON');
const omitted = (letter: OutRecord | undefined) =>
  Object.fromEntries([...(letter?.headers ?? [])].filter(([name]) => name.endsWith('omitted-bytes')));

test.each([
  ['a large value', { value: big, key: Buffer.of(1) }, { 'segmentd-value-omitted-bytes': '1000' }],
  [
    'a large key',
    { value: Buffer.of(1), key: big },
    {
      'segmentd-value-omitted-bytes': '1',
      'segmentd-key-omitted-bytes': '1000',
      'segmentd-headers-omitted-bytes': '0',
    },
  ],
  [
    'a large header',
    { key: null, value: null, headers: new Map([['trace', big]]) },
    {
      'segmentd-value-omitted-bytes': '0',
      'segmentd-key-omitted-bytes': '0',
      'segmentd-headers-omitted-bytes': '1005',
    },
  ],
])('a record with %s leaves a letter that says where it is and what was left out', async (_, record, left) => {
  const { taken, letters } = topicOf(500);
  await letters.send(consumerRecord(7, record), refusal);
  expect(taken).toHaveLength(1);
  expect(omitted(taken[0])).toEqual(left);
  expect(taken[0]?.headers?.get('segmentd-offset')).toBe('7');
  expect(taken[0]?.headers?.get('segmentd-reason')).toBe('event_not_json');
});

test('a topic that takes no record at all is the fault of no record', async () => {
  const { letters } = topicOf(10);
  await expect(letters.send(consumerRecord(7, { value: big }), refusal)).rejects.toMatchObject({
    code: 'broker_denied',
  });
});
