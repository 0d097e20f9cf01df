import { expect, test } from 'vitest';
import { LetterBox } from '../../../../src/commands/daemons/letters.ts';

function boxOf(...codes: readonly string[]): LetterBox {
  const box = new LetterBox(new Map([['lake', '/lake']]));
  for (const [at, code] of codes.entries()) {
    const headers = new Map([['segmentd-reason', Buffer.from(code)]]);
    box.add({ partition: 0, offset: String(at), key: null, value: null, headers, timestamp: String(at) });
  }
  return box;
}

test('a position without a letter is told, whatever other filters say', () => {
  const box = boxOf('event_invalid', 'event_empty');
  expect(box.absent(['0:1', '0:0'])).toEqual([]);
  expect(box.absent(['0:2', '0:1', '1:0'])).toEqual(['0:2', '1:0']);
});

test('a code is known when an error has it, or a letter of another version', () => {
  const box = boxOf('event_of_old');
  expect(box.unknownCodes(['event_not_json', 'event_of_old', 'event_notjson', 'toString'])).toEqual([
    'event_notjson',
    'toString',
  ]);
});
