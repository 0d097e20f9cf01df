import { expect, test } from 'vitest';
import { keyReader } from '../../../../src/commands/terminal/keys.ts';

/** The keys of all pieces. */
function keysOf(...pieces: (string | Uint8Array)[]): string[] {
  const read = keyReader();
  return pieces.flatMap((piece) => read(typeof piece === 'string' ? Buffer.from(piece) : piece));
}

test('keys that come together are told one by one', () => {
  expect(keysOf('jjs')).toEqual(['j', 'j', 's']);
  expect(keysOf('/ab\r', 'q')).toEqual(['/', 'a', 'b', '\r', 'q']);
  expect(keysOf('j\x1b[B\x1b[5~\x1bOAk')).toEqual(['j', '\x1b[B', '\x1b[5~', '\x1bOA', 'k']);
});

test('escape is a key of its own, also before others', () => {
  expect(keysOf('\x1b')).toEqual(['\x1b']);
  expect(keysOf('\x1bq')).toEqual(['\x1b', 'q']);
  expect(keysOf('\x1b\x1b[A')).toEqual(['\x1b', '\x1b[A']);
});

test('a sequence or a character that comes in two pieces is one key', () => {
  expect(keysOf('j\x1b[', '6~s')).toEqual(['j', '\x1b[6~', 's']);
  const character = Buffer.from('ü😀');
  expect(keysOf(character.subarray(0, 1), character.subarray(1, 4), character.subarray(4))).toEqual(['ü', '😀']);
});
