import { expect, test } from 'vitest';
import { marked, replayMarks } from '../../../src/kafka/replay-marks.ts';

const headersOf = (headers: ReadonlyMap<string, string | Uint8Array> = new Map()) =>
  new Map([...headers].map(([name, content]) => [name, Buffer.from(content)]));

test('what is marked is read again, over as many records as it takes', () => {
  const letters = Array.from({ length: 2_500 }, (_, at) => `${at % 3}:${at}` as const);
  const records = [...replayMarks(letters, 'here', '2026-11-29T00:00:00Z')];
  expect(records).toHaveLength(3);
  expect(records.flatMap(({ headers, value }) => marked(headersOf(headers), value) ?? [])).toEqual(letters);
});

test('another record is no mark, and nonsense under its header marks nothing', () => {
  expect(marked(new Map(), Buffer.from('{"replayed": ["0:1"]}'))).toBeUndefined();
  const headers = new Map([['segmentd-replayed', Buffer.from('1')]]);
  for (const value of [
    null,
    Buffer.from('nonsense'),
    Buffer.from('{"replayed": 1}'),
    Buffer.from('{"replayed": ["x", 1]}'),
  ]) {
    expect(marked(headers, value)).toEqual([]);
  }
});
