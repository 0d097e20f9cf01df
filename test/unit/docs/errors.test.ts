import { expect, test } from 'vitest';
import { ERROR_PAGES, SECTIONS } from '../../../scripts/error-pages.ts';
import { ERRORS } from '../../../src/lib/errors.ts';

const pages = Object.entries(ERROR_PAGES);

test('every code has a text of its own, which does not repeat the hint', () => {
  const empty = pages.filter(
    ([code, { text }]) => text.length < 30 || text.includes(ERRORS[code as keyof typeof ERRORS].hint),
  );
  expect(empty.map(([code]) => code)).toEqual([]);
});

test('every section has codes', () => {
  expect(new Set(pages.map(([, { section }]) => section))).toEqual(new Set(Object.keys(SECTIONS)));
});

test('every hint is one or more whole sentences', () => {
  expect(Object.entries(ERRORS).filter(([, { hint }]) => !/^[A-Z_s`].*\.$/.test(hint))).toEqual([]);
});
