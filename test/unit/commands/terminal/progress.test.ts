import { expect, test } from 'vitest';
import { openProgress } from '../../../../src/commands/terminal/progress.ts';

function screen(isTTY: boolean) {
  const written: string[] = [];
  let now = 0;
  const write = (text: string | Uint8Array) => written.push(String(text)) > 0;
  const progress = openProgress({ isTTY, write } as unknown as NodeJS.WriteStream, () => now);
  return { progress, written, at: (ms: number) => (now = ms) };
}

test('a terminal gets one line that is drawn again, with a bar, the rate and the time left', () => {
  const { progress, written, at } = screen(true);
  progress.update(0, 1000);
  at(2_000);
  progress.update(400, 1000);
  expect(written.at(-1)).toBe(
    `\r\x1b[K${'█'.repeat(12)}${'·'.repeat(18)} 40 %  400 of 1,000 rows, 200 rows/s, 3 s left`,
  );
  progress.end();
  expect(written.at(-1)).toBe('\n');
});

test('elsewhere there is a line now and then, and one for the end', () => {
  const { progress, written, at } = screen(false);
  for (let second = 0; second <= 12; second++) {
    at(second * 1000);
    progress.update(second * 10, 130);
  }
  at(13_000);
  progress.update(130, 130);
  progress.end();
  expect(written.map((line) => line.split(' ', 1)[0])).toEqual(['0', '38', '76', '100']);
});

test('it never says 100 % while something is left, and follows a change of pace', () => {
  const { progress, written, at } = screen(false);
  progress.update(0, 1_000_000);
  at(5_000);
  progress.update(999_999, 1_000_000);
  expect(written.at(-1)).toMatch(/^99 %/);
  at(60_000);
  progress.update(999_999, 1_000_000);
  expect(written.at(-1)).toContain(', 0 rows/s\n');
});

test.each([
  [90, '1 min 30 s left'],
  [3_700, '1 h 1 min left'],
])('%i seconds left', (seconds, text) => {
  const { progress, written, at } = screen(true);
  progress.update(0, seconds + 1);
  at(1_000);
  progress.update(1, seconds + 1);
  expect(written.at(-1)).toContain(text);
});
