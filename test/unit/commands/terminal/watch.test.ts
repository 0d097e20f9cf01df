import { expect, test } from 'vitest';
import { screenOf } from '../../../../src/commands/terminal/watch.ts';

/** What a terminal of one column per character shows after these writes, as far as they use it. */
function shown(writes: readonly string[], rows: number): string[] {
  const screen: string[] = Array.from({ length: rows }, () => '?');
  for (const write of writes) {
    let line = 0;
    for (const piece of write.split('\n')) {
      if (piece.startsWith('\x1b[J')) screen.fill('', line);
      else if (piece.endsWith('\x1b[K')) screen[line++] = piece.replace('\x1b[H', '').slice(0, -'\x1b[K'.length);
      else throw new Error(`the rest of the line stays: ${JSON.stringify(piece)}`);
    }
  }
  return screen;
}

test('a shorter text leaves nothing of a longer one', () => {
  expect(shown([screenOf('one\ntwo is long\nthree', 6), screenOf('1\n2', 6)], 6)).toEqual(['1', '2', '', '', '', '']);
});

test('a text that does not fit is cut at the bottom, so that the screen does not scroll, and says how much is left out', () => {
  expect(shown([screenOf('1\n2\n3\n4', 4)], 4)).toEqual([
    '1',
    '2',
    '… 2 more lines: the terminal is too low for them',
    '',
  ]);
  expect(shown([screenOf('1\n2\n3', 4)], 4)).toEqual(['1', '2', '3', '']);
});

test('a line that does not fit is cut at the right, so that it takes no second one, and shows that', () => {
  expect(shown([screenOf('123456\n12', 4, 5)], 3)).toEqual(['1234…', '12', '']);
});
