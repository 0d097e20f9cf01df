/** `segmentd merge` as an operator uses it. */
import { join } from 'node:path';
import { connect } from '@lancedb/lancedb';
import { expect, onTestFinished, test } from 'vitest';
import { segmentd } from '../../../testing/cli.ts';
import type { RealTable } from '../../../testing/lance-table.ts';
import { digests, idsWhere, index, latest, realTable, usesIndex } from '../../../testing/lance-table.ts';
import { nameOf, people } from '../../../testing/people.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import { covered, exitOf, makeTable, makeWorld, startWriter, until } from './world.ts';

const ROWS = 100;

/** A table with two indexes, each of as many segments. */
async function segmented(segments: number): Promise<RealTable> {
  const real = await realTable(people(0, ROWS));
  const wanted = [{ column: 'id' }, { column: 'name' }];
  for (let at = 0; at < segments; at++) {
    if (at > 0) await real.table.add(people(at * ROWS, ROWS));
    await index(real.uri, { wanted });
  }
  return real;
}

async function merge(uri: string, ...options: string[]) {
  const { code, stdout, stderr } = await segmentd(['merge', uri, ...options, '--scratch-dir', await tempDir()]);
  return { code, stdout, stderr, json: options.includes('--json') && code === 0 ? JSON.parse(stdout) : null };
}

async function segmentsOf(uri: string): Promise<number[]> {
  const { stdout } = await segmentd(['status', uri, '--json']);
  const { indexes } = JSON.parse(stdout) as { indexes: { coverage: number; segments: unknown[] }[] };
  expect(indexes.map(({ coverage }) => coverage)).toEqual([1, 1]);
  return indexes.map(({ segments }) => segments.length);
}

async function answersRight({ uri, table }: RealTable, rows: number): Promise<void> {
  const verified = await segmentd(['verify', uri, '--json', '--samples', '40']);
  expect([verified.code, JSON.parse(verified.stdout).findings]).toEqual([0, []]);
  for (let id = 0; id < rows; id += 97) {
    for (const filter of [`id = ${id}`, `name = '${nameOf(id)}'`]) {
      expect([filter, await idsWhere(table, filter), await usesIndex(table, filter)]).toEqual([filter, [id], true]);
    }
  }
}

test('--dry-run says what would be merged and changes nothing', async () => {
  const { uri } = await segmented(8);
  const before = await digests(uri);
  const { version, indexes } = await latest(uri);
  const { code, json } = await merge(uri, '--dry-run', '--json');
  expect([code, json.uri, json.version, json.pending]).toEqual([0, uri, version, 2]);
  const inputs = (name: string) => indexes.filter((it) => it.name === name).map(({ uuid }) => uuid);
  expect(json.merges).toMatchObject([
    { index: 'id_idx', column: 'id', reason: 'tier', inputs: inputs('id_idx'), rows: 8 * ROWS },
    { index: 'name_idx', column: 'name', reason: 'tier', inputs: inputs('name_idx'), rows: 8 * ROWS },
  ]);
  for (const { bytes } of json.merges) expect(bytes).toBeGreaterThan(8 * ROWS);

  const { stdout } = await merge(uri, '--dry-run', '--to', '3');
  expect(stdout).toContain('segments: id_idx 8, name_idx 8');
  expect(stdout).toContain('merges are due:');
  expect(stdout).toMatch(/^name_idx +name +asked +\d+ +\d+ +[\d.]+ KiB$/m);
  expect(await digests(uri)).toEqual(before);
});

test('merges what is due, in one commit for both indexes, and leaves the old files to a cleanup', async () => {
  const real = await segmented(8);
  const before = await latest(real.uri);
  const { code, json } = await merge(real.uri, '--json');
  expect([code, json.uri, json.version]).toEqual([0, real.uri, before.version + 1]);
  const { indexes, transaction } = await latest(real.uri);
  for (const [at, name] of ['id_idx', 'name_idx'].entries()) {
    expect(json.merges[at]).toMatchObject({
      index: name,
      replaced: before.indexes.filter((it) => it.name === name).map(({ uuid }) => uuid),
      segment_uuid: indexes.find((it) => it.name === name)?.uuid,
      fragments: 8,
      rows: 8 * ROWS,
      version: json.version,
    });
  }
  expect(Object.fromEntries(transaction?.properties ?? [])).toMatchObject({ 'segmentd.command': 'merge' });
  expect(await segmentsOf(real.uri)).toEqual([1, 1]);
  const files = [...(await digests(join(real.uri, '_indices'))).keys()];
  for (const { uuid } of before.indexes) expect(files.some((file) => file.startsWith(uuid))).toBe(true);
  await answersRight(real, 8 * ROWS);

  const again = await merge(real.uri);
  expect([again.code, again.stdout.trim()]).toEqual([0, `${real.uri} has nothing to merge at version ${json.version}`]);
  expect((await merge(real.uri, '--json')).json).toEqual({
    uri: real.uri,
    version: json.version,
    merges: [],
    left_alone: [],
  });
  expect((await merge(real.uri, '--dry-run')).stdout).toContain('nothing to merge');
});

test('--to reports the segments that unindexed fragments keep apart', async () => {
  const { uri, table } = await realTable(people(0, ROWS));
  for (let at = 1; at < 3; at++) await table.add(people(at * ROWS, ROWS));
  for (const id of [0, 2]) await index(uri, { wanted: [{ column: 'id' }], scope: { parts: [[id]] } });
  const { code, stdout } = await merge(uri, '--to', '1');
  expect([code, stdout]).toEqual([0, expect.stringContaining('id_idx keeps 2 segments, not 1')]);
});

test('--to merges to that many segments, whatever their size', async () => {
  const real = await segmented(5);
  // The defaults have nothing to do here.
  expect((await merge(real.uri, '--json')).json.merges).toEqual([]);
  const three = await merge(real.uri, '--to', '3');
  expect(three.code).toBe(0);
  expect(three.stdout).toMatch(/is merged at version \d+/);
  expect(three.stdout).toMatch(/^name_idx +\d+ +[0-9a-f-]{36} /m);
  expect(await segmentsOf(real.uri)).toEqual([3, 3]);
  await real.table.delete('id % 10 = 1');
  expect((await merge(real.uri, '--to', '1', '--json')).code).toBe(0);
  expect(await segmentsOf(real.uri)).toEqual([1, 1]);
  expect(await idsWhere(real.table, 'id = 21')).toEqual([]);
  await real.table.add(people(5 * ROWS, ROWS));
  await index(real.uri);
  expect(await segmentsOf(real.uri)).toEqual([2, 2]);
  expect((await merge(real.uri, '--to', '2')).stdout).toContain('nothing to merge');
});

test('says why it does nothing, and explains itself', async () => {
  const { uri } = await segmented(1);
  for (const to of ['0', '-1', '1.5', 'one', '']) {
    const { code, stderr } = await merge(uri, `--to=${to}`);
    expect([to, code, stderr]).toEqual([to, 64, expect.stringContaining('--to')]);
  }
  expect((await merge(uri, 'more')).code).toBe(64);
  const missing = await merge(`${uri}.not.lance`);
  expect([missing.code, missing.stderr]).toEqual([65, expect.stringContaining('table_not_found')]);
  const help = await segmentd(['merge', '--help']);
  expect([help.code, help.stdout]).toEqual([0, expect.stringContaining('--dry-run')]);
});

test('a table with stable row ids is declined, and keeps every byte', async () => {
  const database = await tempDir();
  const connection = await connect(database, { storageOptions: { new_table_enable_stable_row_ids: 'true' } });
  onTestFinished(() => connection.close());
  (await connection.createTable('stable', people(0, ROWS))).close();
  const uri = join(database, 'stable.lance');
  const before = await digests(uri);
  for (const options of [[], ['--dry-run'], ['--to', '1']]) {
    const { code, stderr, stdout } = await merge(uri, ...options);
    expect([code, stdout]).toEqual([65, '']);
    expect(stderr).toMatch(/table_stable_row_ids: .*stable row ids/);
  }
  expect(await digests(uri)).toEqual(before);
});

test('may run beside a daemon and a writer', async () => {
  const world = await makeWorld({ merge: { floor_rows: 10, factor: 3 } });
  await makeTable(world, 'people', ROWS);
  const daemon = await world.daemon();
  const uri = world.tableFolder('people');
  const writer = startWriter(world, 'people', ROWS, 20, 10);
  const codes = [(await merge(uri, '--to', '1')).code, (await merge(uri, '--to', '2')).code];
  expect([await exitOf(writer), ...codes]).toEqual([0, 0, 0]);
  await until('covered', () => covered(world, 'people'));
  expect((await merge(uri, '--to', '1')).code).toBe(0);
  expect(await daemon.stop()).toBe(0);
  expect(await segmentsOf(uri)).toEqual([1, 1]);
  const verified = await segmentd(['verify', uri, '--json', '--samples', '40']);
  expect([verified.code, JSON.parse(verified.stdout).findings]).toEqual([0, []]);
});
