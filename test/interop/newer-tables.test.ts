/**
 * Tables of a Lance that is newer than the engine: served as far as the engine can read them, and declined by name for the rest. Nothing of
 * the engine's own, such as a panic, reaches standard error.
 */
import { expect, test } from 'vitest';
import { ENGINE } from '../../src/lance/plan/supported.ts';
import { segmentd, segmentdProcess } from '../../testing/cli.ts';
import { PYLANCE_VERSIONS } from '../../testing/pylance.ts';
import { forgeEntries, withVarint } from './forge.ts';
import { answersOf, tablesOfPylance } from './pylance-table.ts';
import type { TableUnderTest } from './table-under-test.ts';
import { PLAIN } from './tables.ts';

const newTable = tablesOfPylance(PYLANCE_VERSIONS.newest);

type Start = typeof segmentd;

/** What the command says, with its exit code. */
const run = (command: string, table: TableUnderTest, ...more: string[]) => runBy(segmentd, command, table, ...more);

/** The same of a process of its own, whose standard error is the engine's as well. */
const runAlone = (command: string, table: TableUnderTest, ...more: string[]) =>
  runBy(segmentdProcess, command, table, ...more);

async function runBy(start: Start, command: string, table: TableUnderTest, ...more: string[]) {
  const { code, stdout, stderr } = await start([command, table.uri, '--json', ...more]);
  return { code, stderr, said: stdout === '' ? null : JSON.parse(stdout) };
}

test('a type that the engine cannot parse does no harm in a column without an index', async () => {
  const table = await newTable();
  if (!table) return;
  await table.ask('append_zoned', { start: 0, count: 100 });
  await table.createIndexes('pylance', ['id']);
  await table.ask('append_zoned', { start: 100, count: 100 });
  // Beside it in a struct, too.
  const indexed = await runAlone('index', table, '--column', 'id', 'both.id');
  expect([indexed.code, indexed.said.indexes.length]).toEqual([0, 2]);
  // Of its progress, and nothing else.
  expect(indexed.stderr.replaceAll(/^ *\d+ % .*\n/gm, '')).toBe('');
  const FILTERS = ['id = 50', 'id = 150', 'both.id >= 150'];
  expect(await answersOf(table, FILTERS)).toEqual([
    'id = 50: 1 by index, 1 by scan',
    'id = 150: 1 by index, 1 by scan',
    'both.id >= 150: 50 by index, 50 by scan',
  ]);
  const verified = await runAlone('verify', table);
  expect(verified).toMatchObject({ code: 0, stderr: '', said: { segments: 3, findings: [] } });
  expect(verified.said.answers).toBeGreaterThan(10);
  const { said } = await run('status', table);
  expect(said).toMatchObject({
    declined: null,
    coverage: 1,
    written_by: `lance ${PYLANCE_VERSIONS.newest}`,
    engine: `lance ${ENGINE.version}`,
  });
});

test('an index over such a column is declined by name', async () => {
  const table = await newTable();
  if (!table) return;
  await table.ask('append_zoned', { start: 0, count: 100 });
  await table.createIndexes('pylance', ['at']);
  await table.ask('append_zoned', { start: 100, count: 100 });
  const { code, stderr } = await runAlone('index', table);
  expect([code, stderr]).toEqual([65, expect.stringMatching(/^[^\n]*column_type_unsupported[^\n]*\+05:30/)]);
  expect(stderr).not.toContain('panicked');
  expect((await run('status', table)).said.declined.code).toBe('column_type_unsupported');
});

test('fragments of newer data files stay uncovered, and the table is served as soon as they are indexed or gone', async () => {
  const table = await newTable();
  if (!table) return;
  await table.create(PLAIN, 0, 200);
  await table.createIndexes('pylance', ['id', 's']);
  await table.append('pylance', 200, 100);
  await table.ask('append', { start: 300, count: 100, data_format: '2.3' });
  await table.append('pylance', 400, 100);

  const declined = await run('index', table);
  expect([declined.code, declined.stderr]).toEqual([
    65,
    expect.stringContaining('table_newer_data_files: fragments 2 '),
  ]);
  const { said } = await run('status', table);
  expect([said.declined.code, said.missing_fragments, said.coverage]).toEqual(['table_newer_data_files', 1, 0.8]);
  expect(await answersOf(table, ['id = 250', 'id = 350', 'id = 450', 'id < 1000'])).not.toContainEqual(
    expect.stringMatching(/without/),
  );
  expect((await run('verify', table)).said.findings).toEqual([]);

  await table.append('pylance', 500, 100);
  await table.ask('delete', { where: 'id >= 300 AND id < 400' });
  expect((await run('index', table)).code).toBe(0);
  expect((await run('status', table)).said).toMatchObject({ declined: null, coverage: 1 });
});

test('an index version that segmentd does not write is declined by name, and the table served without it', async () => {
  const table = await newTable();
  if (!table) return;
  await table.create(PLAIN, 0, 200);
  await table.createIndexes('pylance', ['id', 's']);
  await table.append('pylance', 200, 100);
  await forgeEntries(table.uri, 'id_idx', ({ raw }) => [withVarint(raw, 7, 2)]);
  const { code, stderr } = await run('index', table);
  expect([code, stderr]).toEqual([65, expect.stringContaining('table_newer_index: index "id_idx"')]);
  expect(await run('index', table, '--column', 's')).toMatchObject({ code: 0, said: { indexes: [{ name: 's_idx' }] } });
});
