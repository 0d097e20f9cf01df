import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { configurationReport } from '../../../../scripts/command-schemas.ts';
import { segmentd } from '../../../../testing/cli.ts';
import { tempDir } from '../../../../testing/temp-dir.ts';
import { tableFolder } from '../../lance/table-fixture.ts';

/** Two databases, one of which is not there. */
async function home() {
  const cwd = await tempDir();
  const file = join(cwd, 'x.yaml');
  await writeFile(file, 'databases: {lake: ./data, sea: ./sea}\n');
  await mkdir(join(cwd, 'data'));
  await rename((await tableFolder({ fragments: [{ id: 0 }] })).root, join(cwd, 'data', 'events.lance'));
  return { cwd, file };
}

test('a configuration alone shows all its databases, and what is wrong with one beside the others', async () => {
  const { cwd, file } = await home();
  const { code, stdout } = await segmentd(['status', '-c', file]);
  expect([code, stdout.split('\n')[0]]).toEqual([0, `lake: ${cwd}/data`]);
  expect(stdout).toMatch(/\nevents +no index/);
  expect(stdout).toContain(`\n\nsea: ${cwd}/sea  database_not_found: there is no folder ${cwd}/sea\n`);
  // The variable names it too, for a table and a database as well.
  const env = { SEGMENTD_CONFIG: file };
  expect(await segmentd(['status'], env)).toMatchObject({ code: 0, stdout });
  expect((await segmentd(['status', 'lake/events'], env)).stdout).toContain(`${cwd}/data/events.lance  version 1`);
  expect((await segmentd(['status', 'lake'], env)).stdout).toMatch(/\nevents +no index/);
});

test('as JSON it is one object, with the names', async () => {
  const { cwd, file } = await home();
  const report = JSON.parse((await segmentd(['status', '-c', file, '--json'])).stdout);
  configurationReport.parse(report);
  expect(report.databases).toMatchObject([
    { name: 'lake', database: `${cwd}/data`, tables: [{ table: 'events' }] },
    { name: 'sea', database: `${cwd}/sea`, error: { code: 'database_not_found' } },
  ]);
});

test('where no database can be listed, that is the error', async () => {
  const file = join(await tempDir(), 'x.yaml');
  await writeFile(file, 'databases: {sea: ./sea}\n');
  const { code, stderr } = await segmentd(['status', '-c', file]);
  expect([code, stderr]).toEqual([65, expect.stringContaining('database_not_found')]);
});

test('a file in the place of a database is named as what it is, and is no trouble of a store', async () => {
  const { file } = await home();
  const { code, stderr } = await segmentd(['status', file]);
  expect([code, stderr]).toEqual([65, expect.stringContaining(`database_not_found: ${file} is a file`)]);
});
