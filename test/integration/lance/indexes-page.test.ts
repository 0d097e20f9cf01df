/** docs/indexes.md: its examples are run, and LanceDB is asked which queries use an index of each kind. */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Field, List, makeVector, Table, Utf8, vectorFromArray } from 'apache-arrow';
import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { tablePolicy } from '../../../src/config/table-policy.ts';
import { surveyIndexes } from '../../../src/lance/plan/index-plan.ts';
import { segmentd } from '../../../testing/cli.ts';
import { docSnippet } from '../../../testing/doc-snippet.ts';
import { index, latest, realTable, usesIndex } from '../../../testing/lance-table.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

const rows = (from: number) => {
  const numbers = Array.from({ length: 60 }, (_, at) => from + at);
  const texts = (make: (row: number) => string) => vectorFromArray(numbers.map(make), new Utf8());
  return new Table({
    id: makeVector(BigInt64Array.from(numbers, BigInt)),
    color: texts((row) => `color${row % 3}`),
    tags: vectorFromArray(
      numbers.map((row) => [`t${row % 5}`, 'all']),
      new List(new Field('item', new Utf8(), true)),
    ),
    path: texts((row) => `/data/${row}/part`),
  });
};

/** Name and kind of each index, in the order of the index section. */
async function kept(uri: string) {
  const { served, left } = surveyIndexes(await latest(uri), 'existing');
  expect(left).toEqual([]);
  return served.map(({ name, kind, column, segments, coverage }) => ({
    ...{ index: `${column} ${kind.name} ${name}`, segments: segments.length, missing: coverage.missingRows },
  }));
}

test('its commands make an index of each kind and catch them all up', { timeout: 60_000 }, async () => {
  const { uri, table } = await realTable(rows(0));
  const lines = docSnippet('indexes.md', 'On the command line', { 'data/events.lance': uri }).trimEnd().split('\n');
  const commands = lines.map((line) => line.replace(/#.*/, '').trim().split(/ +/).slice(1));
  const first = commands.slice(0, 3);
  for (const words of first) expect([words, (await segmentd(words)).code]).toEqual([words, 0]);
  await table.add(rows(60));
  for (const words of commands.slice(3)) expect([words, (await segmentd(words)).code]).toEqual([words, 0]);
  expect(await kept(uri)).toEqual([
    { index: 'color bitmap color_idx', segments: 2, missing: 0 },
    { index: 'tags label_list tags_idx', segments: 2, missing: 0 },
    { index: 'path fm path_parts', segments: 2, missing: 0 },
  ]);
});

test('its configuration names a BTREE, a BITMAP, a LABEL_LIST and an FM, which answer the queries it lists', async () => {
  const { uri, table } = await realTable(rows(0));
  const cwd = await tempDir();
  const data = join(cwd, 'data');
  await mkdir(data);
  const tables = docSnippet('indexes.md', 'In the configuration', { 'demo/events': 'demo/t' });
  const env = { SEGMENTD_DATABASES: `{demo: ${dirname(uri)}}`, SEGMENTD_TABLES: tables.replace(/^tables:\n/, '') };
  const { wanted } = tablePolicy(
    loadConfig({ env: { ...env, SEGMENTD_KAFKA_BROKERS: 'localhost:9092' }, cwd }),
    'demo/t',
  );
  await index(uri, { wanted });
  expect((await kept(uri)).map((it) => it.index)).toEqual([
    'id btree id_idx',
    'color bitmap color_idx',
    'tags label_list tags_idx',
    'path fm path_parts',
  ]);
  const used = [
    ...['id = 7', 'id IN (7, 8)', 'id < 9', 'id >= 9', 'id BETWEEN 7 AND 9'],
    ...["color = 'color1'", "color != 'color1'", "color IN ('color1')", "color NOT IN ('color1')", "color < 'd'"],
    ...["color BETWEEN 'color0' AND 'color1'", 'color IS NULL'],
    ...["array_has(tags, 't1')", "array_contains(tags, 't1')", "array_has_any(tags, ['t1', 't2'])"],
    ...["array_has_all(tags, ['t1', 'all'])", "NOT array_has(tags, 't1')", "contains(path, '/7/')"],
  ];
  const unused = [
    ...["color LIKE 'color1%'", "starts_with(color, 'color1')", 'tags IS NULL'],
    ...[
      "path LIKE '/data/7%'",
      "starts_with(path, '/data/7')",
      "regexp_match(path, '/7/') IS NOT NULL",
      "path = '/data/7/part'",
    ],
  ];
  for (const filter of used) expect([filter, await usesIndex(table, filter)]).toEqual([filter, true]);
  for (const filter of unused) expect([filter, await usesIndex(table, filter)]).toEqual([filter, false]);
});

test('of two indexes on a column Lance asks the first alone', async () => {
  const { uri, table } = await realTable(rows(0));
  const filters = ['path IS NULL', "path LIKE '/data/7%'", "path = '/data/7/part'", "contains(path, '/7/')"];
  const used = () => Promise.all(filters.map((filter) => usesIndex(table, filter)));
  await index(uri, { wanted: [{ column: 'path', kind: 'btree' }] });
  expect(await used()).toEqual([true, true, true, false]);
  await index(uri, { wanted: [{ column: 'path', kind: 'fm' }] });
  expect(await used()).toEqual([true, true, true, false]);
  await table.dropIndex('path_idx');
  await index(uri, { wanted: [{ column: 'path', kind: 'btree' }] });
  expect(await used()).toEqual([false, false, false, true]);
});
