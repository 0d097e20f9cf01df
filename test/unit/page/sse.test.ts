import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventReader } from '../../../src/page/sse.js';

const STREAM =
  ': hello\n\nevent: status\ndata: {"a": 1}\n\n: nothing new\n\nevent: status\r\ndata:{"b":\r\ndata: 2}\r\n\r\n';

test('events come out whole, however the stream is cut, and comments do not', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(STREAM.length)), (cuts) => {
      const read = eventReader();
      const ends = [...cuts, STREAM.length].sort((a, b) => a - b);
      const events = ends.flatMap((end, at) => read(STREAM.slice(ends[at - 1] ?? 0, end)));
      expect(events.map((data) => JSON.parse(data))).toEqual([{ a: 1 }, { b: 2 }]);
    }),
  );
});

test('an event is not there before its end', () => {
  const read = eventReader();
  expect(read('data: 1\n')).toEqual([]);
  expect(read('\n')).toEqual(['1']);
});
