import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ERRORS } from '../../../src/lib/errors.ts';

const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
const sections = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((section) => [section.split('\n', 1)[0] as string, section.split(/^## /m, 1)[0] as string]),
);

test('docs/errors.md has one heading for every code, and no other', () => {
  expect(new Set(sections.keys())).toEqual(new Set(Object.keys(ERRORS)));
  expect(page.match(/^### /gm)).toHaveLength(Object.keys(ERRORS).length);
});

test('every heading is followed by an explanation', () => {
  const bare = [...sections].filter(([code, text]) => text.slice(code.length).trim().length < 40);
  expect(bare.map(([code]) => code)).toEqual([]);
});

test('the kinds of retry on the page are those of the code', () => {
  const groups = page.split(/^## /m);
  for (const [code, { retry }] of Object.entries(ERRORS)) {
    const group = groups.find((it) => it.includes(`### ${code}\n`)) ?? '';
    const own = /Kind: ([a-z-]+)\./.exec(sections.get(code) ?? '')?.[1];
    const shared = /All are of the kind ([a-z-]+)\./.exec(group)?.[1];
    expect({ code, kind: own ?? shared }).toEqual({ code, kind: retry });
  }
});
