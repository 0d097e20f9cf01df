import fc from 'fast-check';
import { expect, test } from 'vitest';
import { provenance } from '../../../src/stages/provenance.ts';
import { batchOf, pendingEvent, testContext } from './context-fixture.ts';

const { settings } = testContext();
const from = (topic: string, partition: number, offset: bigint) =>
  pendingEvent(0, 't', {}, { position: { topic, partition, offset } });

test('names segmentd, the member, and the offsets of each partition', () => {
  const events = [from('a', 0, 7n), from('a', 1, 2n), from('a', 0, 3n), from('a', 0, 9n), from('b', 0, 1n)];
  expect(provenance(settings, batchOf(events))).toEqual({
    'segmentd.version': '1.2.3',
    'segmentd.member': 'me@here:1',
    'segmentd.events': 'a/0/3-9 a/1/2-2 b/0/1-1',
  });
});

test('records that repeat an event count', () => {
  const repeats = [{ offset: '4', timestamp: '0', value: null }];
  const events = [pendingEvent(3, 't', {}, { repeats }), pendingEvent(2)];
  expect(provenance(settings, batchOf(events))['segmentd.events']).toBe('appends/0/2-4');
});

test('a batch without events says nothing of any', () => {
  expect(Object.keys(provenance(settings, batchOf([])))).toEqual(['segmentd.version', 'segmentd.member']);
});

test('the range of a partition is that of its least and greatest offset, whatever the order and however large', () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), { minLength: 1 }), (offsets) => {
      const sorted = [...offsets].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
      const events = provenance(settings, batchOf(offsets.map((offset) => from('a', 4, offset))))['segmentd.events'];
      expect(events).toBe(`a/4/${sorted[0]}-${sorted.at(-1)}`);
    }),
  );
});
