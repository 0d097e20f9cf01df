/** One table with a column of every type, nested ones and odd names, through all that an operator meets. */
import { connect, Index } from '@lancedb/lancedb';
import { Field, Int32, Int64, Struct, Table, Utf8, vectorFromArray } from 'apache-arrow';
import { expect, onTestFinished, test } from 'vitest';
import { segmentd } from '../../../testing/cli.ts';
import { INDEXABLE, NOT_INDEXABLE } from '../../../testing/column-types.ts';
import type { World } from './world.ts';
import { covered, makeWorld, until } from './world.ts';

const ROWS = 30;
const ODD_NAMES = [
  'user-id',
  'Größe',
  'UPPER',
  'upper',
  'two words',
  "it's",
  'say "hi"',
  'back\\slash',
  'new\nline',
  '🦀',
  '1st',
  'select',
  'order',
  'true',
];
const NESTED = new Struct([
  new Field('b', new Int32()),
  new Field('c.d', new Int32()),
  new Field('deep', new Struct([new Field('leaf', new Utf8())])),
]);

/** How each column is named in a configuration or on a command line, and how LanceDB calls its index. */
const COLUMNS: readonly (readonly [path: string, index: string])[] = [
  ...INDEXABLE.map((_, at) => [`c${at}`, `c${at}_idx`] as const),
  ...ODD_NAMES.map((name) => [/^\w+$/.test(name) ? name : `\`${name}\``, `${name}_idx`] as const),
  ['a.b', 'a.b_idx'],
  ['a.`c.d`', 'a.c.d_idx'],
  ['a.deep.leaf', 'a.deep.leaf_idx'],
];
const WANTED = COLUMNS.map(([column]) => ({ column }));

function rows(from: number): Table {
  const numbers = Array.from({ length: ROWS }, (_, at) => from + at);
  const orNull = (make: (value: number) => unknown) => numbers.map((value) => (value % 7 === 0 ? null : make(value)));
  return new Table({
    id: vectorFromArray(numbers.map(BigInt), new Int64()),
    ...Object.fromEntries(INDEXABLE.map(([, type, make], at) => [`c${at}`, vectorFromArray(orNull(make), type)])),
    ...Object.fromEntries(ODD_NAMES.map((name) => [name, vectorFromArray(numbers, new Int32())])),
    a: vectorFromArray(
      numbers.map((value) => ({ b: value, 'c.d': -value, deep: { leaf: `leaf ${value}` } })),
      NESTED,
    ),
  });
}

async function makeWide(world: World, name: string) {
  const connection = await connect(world.database);
  const table = await connection.createTable(name, rows(0));
  onTestFinished(() => {
    table.close();
    connection.close();
  });
  return table;
}

test('every column is kept by configuration, and shown in status, verify and metrics', async () => {
  const world = await makeWorld({ tables: { 'db/wide': { indexes: WANTED } } });
  const table = await makeWide(world, 'wide');
  const daemon = await world.daemon();
  const announce = () =>
    world.producer.send(world.settings.topic, [
      { key: Buffer.from('db/wide'), value: Buffer.from('{"table": "db/wide"}') },
    ]);
  const allCovered = async () =>
    (await world.facts('wide')).indexes.length === COLUMNS.length && (await covered(world, 'wide'));
  await announce();
  await until('the indexes are made', allCovered);
  await table.add(rows(ROWS));
  await announce();
  await until('they are extended', allCovered);

  const { indexes } = await world.facts('wide');
  expect(indexes.map(({ column, name }) => [column, name])).toEqual(COLUMNS);
  for (const { segments } of indexes) expect(segments).toHaveLength(2);

  const page = await (await fetch(`${daemon.url}/metrics`)).text();
  for (const [, name] of COLUMNS) {
    const label = name.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
    expect(page).toContain(`\nsegmentd_coverage_ratio{table="db/wide",index="${label}"} 1\n`);
  }
  expect(await daemon.stop()).toBe(0);

  const uri = world.tableFolder('wide');
  const { stdout } = await segmentd(['status', uri]);
  for (const [column, name] of COLUMNS) {
    const shown = `${name}  BTREE on ${column}, 100.00 % covered`.replaceAll('\n', '\\u000a');
    expect(stdout.split('\n').filter((line) => line.startsWith(shown))).toHaveLength(1);
  }
  const verified = await segmentd(['verify', uri, '--json', '--samples', '5']);
  const { findings, answers, segments } = JSON.parse(verified.stdout);
  expect([verified.code, findings, segments]).toEqual([0, [], 2 * COLUMNS.length]);
  expect(answers).toBeGreaterThan(3 * COLUMNS.length);
});

test('index makes and extends them all without Kafka', async () => {
  const world = await makeWorld({}, 0);
  const table = await makeWide(world, 'wide');
  const uri = world.tableFolder('wide');
  const run = async (...more: string[]) => {
    const { code, stdout, stderr } = await segmentd(['index', uri, '--json', '--scratch-dir', world.scratch, ...more]);
    expect([code, stderr]).toEqual([0, expect.anything()]);
    return (JSON.parse(stdout).indexes as { name: string; column: string }[]).map(({ column, name }) => [column, name]);
  };
  const made = await run('--column', ...COLUMNS.map(([column]) => column));
  expect(new Set(made.map((it) => it.join()))).toEqual(new Set(COLUMNS.map((it) => it.join())));
  await table.add(rows(ROWS));
  expect(await run()).toHaveLength(COLUMNS.length);
  expect(await covered(world, 'wide')).toBe(true);
});

test('a configured column of an unsupported type is left alone, which says what is supported, and hides no other', async () => {
  const unsupported = Object.fromEntries(
    NOT_INDEXABLE.map((_, at) => [`db/t${at}`, { indexes: [{ column: 'c' }, { column: 'id' }] }]),
  );
  const world = await makeWorld({ tables: unsupported });
  const connection = await connect(world.database);
  onTestFinished(() => connection.close());
  const ids = vectorFromArray([1n, 2n], new Int64());
  for (const [at, [, type, make]] of NOT_INDEXABLE.entries()) {
    const rows = new Table({ id: ids, c: vectorFromArray([1, 2].map(make), type) });
    (await connection.createTable(`t${at}`, rows)).close();
  }
  const fine = await connection.createTable('fine', new Table({ id: ids }));
  await fine.createIndex('id', { config: Index.btree() });
  await fine.add(new Table({ id: ids }));
  fine.close();
  const daemon = await world.daemon();
  const names = [...NOT_INDEXABLE.map((_, at) => `t${at}`), 'fine'];
  await world.producer.send(
    world.settings.topic,
    names.map((name) => ({ key: Buffer.from(`db/${name}`), value: Buffer.from(`{"table": "db/${name}"}`) })),
  );
  await until('the other is covered', () => covered(world, 'fine'));
  const left = async () => {
    const status = (await (await fetch(`${daemon.url}/status`)).json()) as {
      tables: { left_alone: { code: string; message: string }[] }[];
    };
    return status.tables.flatMap((it) => it.left_alone);
  };
  await until('all are left alone', async () => (await left()).length === NOT_INDEXABLE.length);
  for (const { code, message } of await left()) {
    expect(code).toBe('column_type_unsupported');
    expect(message).toMatch(
      /^column c has type \w+.*; LanceDB builds a BTREE over int8, .*, string, .*fixed_size_binary$/,
    );
  }
  const page = async () => (await fetch(`${daemon.url}/metrics`)).text();
  const isCovered = (name: string) => `segmentd_coverage_ratio{table="db/${name}",index="id_idx"} 1\n`;
  await until('the other column of each is indexed', async () => {
    const text = await page();
    return names.every((name) => text.includes(isCovered(name)));
  });
  const text = await page();
  for (const name of names.slice(0, -1)) {
    expect(text).toContain(`segmentd_index_left_alone{table="db/${name}",index="c_idx"} 1\n`);
  }
  expect(await daemon.stop()).toBe(0);
});
