/** Holds docs/events.md to the code: every example is decoded, every code is named. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { decodeRecord } from '../../../src/events/append-event.ts';
import { ERRORS, SegmentdError } from '../../../src/lib/errors.ts';

const page = readFileSync(new URL('../../../docs/events.md', import.meta.url), 'utf8');
const fences = [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', text = '']) => ({
  language,
  text,
}));
const yaml = fences.find(({ language }) => language === 'yaml')?.text ?? '';
const databases = new Map(Object.entries(parse(yaml) as Record<string, string>));

/** Headers, an empty line, the value. */
function toRecord(text: string) {
  const end = text.startsWith('\n') ? 0 : text.indexOf('\n\n') + 1;
  const headers = text
    .slice(0, end)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [name = '', ...rest] = line.split(': ');
      return [name, Buffer.from(rest.join(': '))] as const;
    });
  return { headers: new Map(headers), value: Buffer.from(text.slice(end + 1)) };
}

const examples = fences.flatMap(({ language, text }, at) =>
  language === 'http' ? [{ record: toRecord(text), result: fences[at + 1] }] : [],
);

test('there are examples of every form', () => {
  expect(databases.size).toBe(2);
  expect(examples.length).toBeGreaterThanOrEqual(10);
  expect(examples.filter(({ record }) => record.headers.has('ce_specversion'))).toHaveLength(1);
});

test.each(examples)('example %#', ({ record, result }) => {
  expect(result?.language).toBe('json');
  const decoded = decodeRecord(databases, record).map(({ table, ...rest }) => ({ table: table.id, ...rest }));
  expect(decoded).toEqual(JSON.parse(result?.text ?? ''));
});

const rows = [...page.matchAll(/^\| `(event_\w+)` \| .* \| (?:`(.*)` )?\|$/gm)].map(([, code, value]) => ({
  code,
  value,
}));

test('every code is listed once', () => {
  const codes = Object.keys(ERRORS).filter((code) => code.startsWith('event_'));
  expect(new Set(rows.map(({ code }) => code))).toEqual(new Set(codes));
  expect(rows).toHaveLength(codes.length);
});

test.each(rows.filter(({ value }) => value !== undefined))('$value is refused with $code', ({ code, value }) => {
  let refused: unknown;
  try {
    decodeRecord(databases, { value: Buffer.from(value ?? ''), headers: new Map() });
  } catch (error) {
    refused = error instanceof SegmentdError ? error.code : error;
  }
  expect(refused).toBe(code);
});
