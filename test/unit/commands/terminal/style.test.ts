import { describe, expect, test } from 'vitest';
import { cut, PLAIN_WIDTH, styleOf } from '../../../../src/commands/terminal/style.ts';

const terminal = { write: () => undefined, isTTY: true, columns: 100 };
const pipe = { write: () => undefined };

describe('colours', () => {
  test.each([
    [terminal, {}, true],
    [terminal, { TERM: 'dumb' }, false],
    [terminal, { NO_COLOR: '1' }, false],
    [terminal, { NO_COLOR: '' }, true],
    [terminal, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    [pipe, {}, false],
    [pipe, { FORCE_COLOR: '1' }, true],
    [terminal, { FORCE_COLOR: '0' }, false],
  ])('of %j with %j: %j', (out, env, coloured) => {
    expect(styleOf(out, env).paint('bad', 'declined')).toBe(coloured ? '\x1b[31mdeclined\x1b[39m' : 'declined');
  });
});

test('a line is as wide as the terminal, and 80 characters elsewhere', () => {
  expect([styleOf(terminal, {}).width, styleOf(pipe, {}).width]).toEqual([100, PLAIN_WIDTH]);
});

test('a cut shows, and colours count for nothing and end', () => {
  expect(cut('12345', 5)).toBe('12345');
  expect(cut('123456', 5)).toBe('1234…');
  expect(cut('\x1b[31m12345\x1b[39m', 5)).toBe('\x1b[31m12345\x1b[39m');
  expect(cut('\x1b[31m123456\x1b[39m', 5)).toBe('\x1b[31m1234…\x1b[39m');
  expect(cut('▇▇▇▇', 3)).toBe('▇▇…');
});
