import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sameButTexts } from '../../../src/lib/same-but-texts.ts';

const names = ['id', 'time'].map((name) => Buffer.from(JSON.stringify(name)));
const bytes = (text: string | null) => (text === null ? null : Buffer.from(text));
const same = (a: string | null, b: string | null) => sameButTexts(names, bytes(a), bytes(b));

test.each([
  ['nothing', '{"table":"a/b"}', '{"table":"a/b"}'],
  ['an id', '{"table":"a/b","id":"1"}', '{"table":"a/b","id":"2"}'],
  ['an id, inside', '{"id":"1-2-3","table":"a/b"}', '{"id":"1-9-3","table":"a/b"}'],
  ['both', '{"id":"x","table":"a/b","time":"09:00"}', '{"id":"y","table":"a/b","time":"10:15"}'],
  ['an id with spaces around', '{"id" : "1", "table": "a/b"}', '{"id" : "2", "table": "a/b"}'],
  ['an id that is there twice', '{"id":"1","id":"3","table":"a/b"}', '{"id":"2","id":"4","table":"a/b"}'],
  ['an id behind what is not ASCII', '{"table":"ä","id":"é1"}', '{"table":"ä","id":"é2"}'],
])('the same but for %s', (_, a, b) => {
  expect([same(a, b), same(b, a)]).toEqual([true, true]);
});

test.each<[string, string | null, string | null]>([
  ['another field differs', '{"table":"a/b","id":"1"}', '{"table":"a/c","id":"1"}'],
  ['another field has the name at its end', '{"table":"a/b","xid":"1"}', '{"table":"a/b","xid":"2"}'],
  ['the id is no text', '{"table":"a/b","id":1}', '{"table":"a/b","id":2}'],
  ['one of them is no text', '{"table":"a/b","id":null}', '{"table":"a/b","id":"12"}'],
  ['a number behind the id differs', '{"id":"1","version":1}', '{"id":"1","version":2}'],
  ['a number behind an empty id differs', '{"id":"","version":1}', '{"id":"","version":2}'],
  ['the id has another length', '{"id":"12","time":"1"}', '{"id":"1","time":"12"}'],
  ['the texts have other lengths', '{"id":"1"}', '{"id":"12"}'],
  ['a name differs', '{"id":"1"}', '{"ie":"1"}'],
  ['the id holds an escape', '{"id":"12"}', '{"id":"\\t"}'],
  ['what precedes holds an escape', '{"a\\"id":"1"}', '{"a\\"id":"2"}'],
  ['it is the id of an inner object', '{"backfill":{"id":"1"}}', '{"backfill":{"id":"2"}}'],
  ['it is the id of an object in a list', '[{"id":"1"}]', '[{"id":"2"}]'],
  ['the name is a text', '{"table":"id","a":"1"}', '{"table":"id","a":"2"}'],
  ['the id ends a text within it', '{"id":"1"}', '{"id":"""}'],
  ['one is not plain ASCII', '{"id":"12"}', '{"id":"ä"}'],
  ['one is cut', '{"id":"1', '{"id":"2'],
  ['there is none', null, '{"id":"1"}'],
  ['there is none besides', '{"id":"1"}', null],
  ['they are empty', '', ''],
])('not when %s', (_, a, b) => {
  expect([same(a, b), same(b, a)]).toEqual([false, false]);
});

const often = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
/** Short texts, now and then of the characters that matter, so that two that may differ are no rare chance. */
const odd = fc.string({ unit: fc.constantFrom('a', '"', '\\', '{', 'ä', ':', ' ', '\u0001'), maxLength: 3 });
const text = fc.oneof(
  often(9, fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 2, maxLength: 3 })),
  often(1, odd),
);
const name = fc.oneof(
  often(9, fc.constantFrom('id', 'time', 'table', 'xid')),
  often(1, fc.constantFrom('a"id', 'id":"')),
);
const other = fc.oneof(fc.nat(20), fc.constant(null), fc.record({ id: text }), fc.array(text));
const value = fc.oneof(often(5, text), often(1, other));
const object = fc.array(fc.tuple(name, value), { minLength: 1, maxLength: 4 });
const separators = fc.constantFrom<[string, string]>([',', ':'], [', ', ': ']);

/** As JSON, with a field there as often as it is given. */
const write = (fields: [string, unknown][], [comma, colon]: [string, string]) =>
  `{${fields.map(([key, content]) => `${JSON.stringify(key)}${colon}${JSON.stringify(content)}`).join(comma)}}`;

/** The object without the texts that may differ. */
const rest = (json: string) => {
  const fields = JSON.parse(json) as Record<string, unknown>;
  const keep = (key: string) => !['id', 'time'].includes(key) || typeof fields[key] !== 'string';
  return Object.entries(fields).filter(([key]) => keep(key));
};

test('true is said of no two objects that differ in anything else', () => {
  let said = 0;
  fc.assert(
    fc.property(object, fc.nat(3), value, separators, (fields, at, replacement, between) => {
      const a = write(fields, between);
      const b = write(
        fields.map(([key, content], place) => [key, place === at ? replacement : content]),
        between,
      );
      if (!same(a, b)) return;
      said += a === b ? 0 : 1;
      expect(rest(b)).toEqual(rest(a));
    }),
    { numRuns: 20_000, seed: 17 },
  );
  expect(said).toBeGreaterThan(100);
});

test('true is said of no two values of which one can be read and the other cannot', () => {
  let said = 0;
  const damaged = (json: Uint8Array, place: number, by: number) => json.map((it, at) => (at === place ? by : it));
  const byte = fc.oneof(often(4, fc.constantFrom(...Buffer.from('ab'))), often(1, fc.nat(255)));
  fc.assert(
    fc.property(object, fc.nat(30), byte, fc.nat(30), byte, (fields, place, one, besides, another) => {
      const a = damaged(Buffer.from(write(fields, [',', ':'])), place, one);
      const b = damaged(a, besides, another);
      if (!sameButTexts(names, a, b)) return;
      said += Buffer.compare(a, b) === 0 ? 0 : 1;
      expect(isReadable(b)).toBe(isReadable(a));
    }),
    { numRuns: 20_000, seed: 17 },
  );
  expect(said).toBeGreaterThan(100);
});

function isReadable(json: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
    return true;
  } catch {
    return false;
  }
}
