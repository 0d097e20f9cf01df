import { expect, test } from 'vitest';
import { visible, visibleLines } from '../../../src/lib/visible-text.ts';

test('what cannot be seen, or turns what others show, is an escape; all else stays', () => {
  expect(visible('a\u0000\n\u001b[31m\u202e\u2028\u2066z')).toBe(
    'a\\u{0}\\u{a}\\u{1b}[31m\\u{202e}\\u{2028}\\u{2066}z',
  );
  expect(visible('tökén € <b> \\u{a} 表')).toBe('tökén € <b> \\u{a} 表');
});

test('ends of lines stay where lines are', () => {
  expect(visibleLines('✖ one\n  → two\r\n\u202ethree')).toBe('✖ one\n  → two\\u{d}\n\\u{202e}three');
});
