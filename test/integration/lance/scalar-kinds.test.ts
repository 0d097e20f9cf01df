/** BITMAP, LABEL_LIST and FM: built over what is missing, committed beside what is there, and used by LanceDB's queries. */
import { Field, List, makeVector, Table, Utf8, vectorFromArray } from 'apache-arrow';
import { expect, test } from 'vitest';
import { verifyTable } from '../../../src/lance/inspect/verify-table.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { localStore } from '../../../src/store/local-store.ts';
import { claim } from '../../../testing/claim-fragments.ts';
import { idsWhere, index, latest, realTable, usesIndex } from '../../../testing/lance-table.ts';

const ROWS = 120;
const COLORS = ['red', 'green', 'blue', null];

const rows = (from: number) => {
  const at = <T>(make: (id: number) => T) => Array.from({ length: ROWS }, (_, number) => make(from + number));
  return new Table({
    id: makeVector(BigInt64Array.from(at(BigInt))),
    color: vectorFromArray(
      at((id) => COLORS[id % 4]),
      new Utf8(),
    ),
    tags: vectorFromArray(
      at((id) => (id % 7 === 0 ? null : id % 7 === 1 ? [] : [`t${id % 5}`, 'all', null])),
      new List(new Field('item', new Utf8(), true)),
    ),
    body: vectorFromArray(
      at((id) => (id % 11 === 0 ? null : `no ${id} abc${id % 10}xyz`)),
      new Utf8(),
    ),
  });
};

const WANTED = [
  { column: 'color', kind: 'bitmap' },
  { column: 'tags', kind: 'label_list' },
  { column: 'body', kind: 'fm' },
] as const;

/** Each with the column behind a function that hides it from the index: the same rows by a scan. */
const CONDITIONS: readonly (readonly [indexed: string, scanned: string])[] = [
  ["color = 'red'", "nullif(color, 'none') = 'red'"],
  ["color IN ('red', 'blue')", "nullif(color, 'none') IN ('red', 'blue')"],
  ['color IS NULL', "nullif(color, 'none') IS NULL"],
  ["array_has_any(tags, ['t1', 't3'])", "array_has_any(array_concat(tags, []), ['t1', 't3'])"],
  ["array_has_all(tags, ['t1', 'all'])", "array_has_all(array_concat(tags, []), ['t1', 'all'])"],
  ["contains(body, 'abc3x')", "contains(nullif(body, 'none'), 'abc3x')"],
];

test('new segments answer as a scan does, whatever is deleted, updated and compacted around them', async () => {
  const { uri, table } = await realTable(rows(0));
  await index(uri, { wanted: WANTED });
  const check = async (segments: number) => {
    const { indexes } = await latest(uri);
    expect(indexes).toHaveLength(segments);
    for (const [indexed, scanned] of CONDITIONS) {
      expect([indexed, await usesIndex(table, indexed)]).toEqual([indexed, true]);
      expect([indexed, await usesIndex(table, scanned)]).toEqual([indexed, false]);
      expect([indexed, await idsWhere(table, indexed)]).toEqual([indexed, await idsWhere(table, scanned)]);
    }
  };
  await check(3);
  for (const from of [ROWS, 2 * ROWS]) {
    await table.add(rows(from));
    await index(uri);
  }
  await check(9);
  await table.delete('id % 10 = 3');
  await table.update({ where: 'id % 10 = 4', values: { color: 'green', body: 'moved abc3xyz' } });
  await index(uri);
  await check(12);
  await table.optimize();
  await index(uri);
  for (const [indexed, scanned] of CONDITIONS) {
    expect([indexed, await idsWhere(table, indexed)]).toEqual([indexed, await idsWhere(table, scanned)]);
  }
});

test('verify asks each index in its own way, and finds a segment that claims what it does not hold', async () => {
  const { uri, table } = await realTable(rows(0));
  // A second index on a column must not answer for the first.
  await index(uri, { wanted: [...WANTED, { column: 'color' }, { column: 'body' }] });
  await table.add(rows(ROWS));
  await index(uri);
  const sound = await verifyTable(new LanceTable(localStore(uri)), 20);
  expect(sound.findings).toEqual([]);
  expect(sound.answers).toBeGreaterThan(30);
  await table.add(rows(2 * ROWS));
  for (const { name } of (await latest(uri)).indexes.slice(0, 5)) await claim(uri, [1, 2], name);
  const { findings } = await verifyTable(new LanceTable(localStore(uri)), 60);
  const wrong = findings.filter(({ code }) => code === 'answer_wrong').map((it) => it.index);
  expect(new Set(wrong)).toEqual(new Set(['color_idx', 'color_btree_idx', 'tags_idx', 'body_idx', 'body_btree_idx']));
});

test('an index that the engine cannot build holds up no other of its table', async () => {
  const { uri, table } = await realTable(rows(0));
  // Lance asks for the length of the shortest n-gram to be at most that of the longest, which is 3 unless it is given.
  const parameters = { base_tokenizer: 'ngram', min_ngram_length: 5 };
  const wanted = [...WANTED, { column: 'body', kind: 'fts', name: 'words', parameters }] as const;
  for (const from of [0, ROWS]) {
    if (from > 0) await table.add(rows(from));
    await expect(index(uri, { wanted })).rejects.toThrow(/could not index body: .*min_gram/);
    const { indexes, fragments } = await latest(uri);
    expect(new Set(indexes.map(({ name }) => name))).toEqual(new Set(['color_idx', 'tags_idx', 'body_idx']));
    expect(indexes).toHaveLength(3 * fragments.length);
  }
});

test('a column that LanceDB builds no index of the kind over is named', async () => {
  const { uri } = await realTable(rows(0));
  await expect(index(uri, { wanted: [{ column: 'color', kind: 'label_list' }] })).rejects.toThrow(
    /column color has type string; LanceDB builds a LABEL_LIST over list and large_list of int8/,
  );
  await expect(index(uri, { wanted: [{ column: 'id', kind: 'fm' }] })).rejects.toThrow(/builds a FM over string/);
});
