/** The main job on an S3 server: the daemon, the commands of its operators, and pylance at the same table. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { CliResult } from '../../../testing/cli.ts';
import { segmentd } from '../../../testing/cli.ts';
import { nameOf, people } from '../../../testing/people.ts';
import { findPylance, PYLANCE_VERSIONS } from '../../../testing/pylance.ts';
import type { S3Server } from '../../../testing/stores/s3-access.ts';
import { startS3Server } from '../../../testing/stores/s3-server.ts';
import type { Answers } from '../../interop/pylance-table.ts';
import type { Report } from '../../interop/report.ts';
import { gaps } from '../../interop/report.ts';
import type { Worker } from '../../interop/worker.ts';
import { startWorker } from '../../interop/worker.ts';
import { doMainJob } from '../e2e/main-job.ts';
import type { World } from '../e2e/world.ts';
import { covered, exitOf, makeTable, makeWorld, openTable, startWriter, until } from '../e2e/world.ts';

const ROWS = 1_000;
/** Installing pylance takes as long as the network does. */
const INSTALL_MS = 600_000;

let s3: S3Server;
beforeAll(async () => {
  s3 = await startS3Server();
  await s3.makeBucket('lake');
});
afterAll(() => s3?.stop());

let databases = 0;
const s3World = () => makeWorld({}, 3, {}, { uri: `s3://lake/db${databases++}`, storageOptions: s3.storageOptions });

function expectNoSecret(said: string): void {
  expect(said.length).toBeGreaterThan(0);
  for (const secret of [s3.secretAccessKey, s3.accessKeyId]) expect(said).not.toContain(secret);
}

test('twenty appends, duplicates, garbage and a restart end in full coverage', async () => {
  const world = await s3World();
  await doMainJob(world);
  expectNoSecret(JSON.stringify(world.log));
});

/** Commands as an operator gives them, by the name of the table and the configuration, or by its URI and options. */
function operator({ configFile, scratch, tableFolder }: World) {
  const said: string[] = [];
  const run = async (...args: string[]): Promise<CliResult> => {
    const result = await segmentd(args);
    said.push(result.stdout, result.stderr);
    return result;
  };
  const options = Object.entries(s3.storageOptions).flatMap((pair) => ['--storage-option', pair.join('=')]);
  const json = ({ code, stdout, stderr }: CliResult) => {
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout);
  };
  const scratchDir = ['--scratch-dir', join(scratch, '..', 'command')];
  return {
    said,
    run,
    byName: async (command: string, ...args: string[]) =>
      json(await run(command, 'db/people', '-c', configFile, '--json', ...args)),
    byUri: async (command: string, ...args: string[]) =>
      json(await run(command, tableFolder('people'), ...options, '--json', ...args)),
    scratchDir,
  };
}

test('the commands of an operator find the table by its name and by its URI, and tell no secret', async () => {
  const world = await s3World();
  await makeTable(world, 'people', ROWS);
  const daemon = await world.daemon();
  const table = await openTable(world.database, 'people', world.storageOptions);
  const { said, run, byName, byUri, scratchDir } = operator(world);

  await table.add(people(ROWS, 50));
  const missing = { missing_rows: 50, missing_fragments: 1 };
  expect((await byUri('status')).indexes).toMatchObject([missing, missing]);
  expect((await byName('index', ...scratchDir)).indexes).toMatchObject([{ rows: 50 }, { rows: 50 }]);
  expect(await byName('status')).toMatchObject({ coverage: 1, rows: ROWS + 50 });
  const merged = await byUri('merge', '--to', '1', ...scratchDir);
  expect(merged.merges).toMatchObject([{ rows: ROWS + 50 }, { rows: ROWS + 50 }]);

  await table.add(people(ROWS + 50, 50));
  const version = await table.version();
  expect(await byName('backfill')).toMatchObject({ table: 'db/people', version, rows: 50 });
  expect(await byUri('wait', '--version', String(version))).toMatchObject({ version, covered: true });
  expect((await byName('verify', '--samples', '5')).findings).toEqual([]);
  const database = await run('status', 'db', '-c', world.configFile, '--json');
  expect(JSON.parse(database.stdout).tables).toMatchObject([{ table: 'people', coverage: 1 }]);

  expect((await run('config', 'print', '-c', world.configFile)).stdout).toContain('storage_options');
  expect((await run('status', 'db/nobody', '-c', world.configFile)).code).toBe(65);
  expectNoSecret(said.join('\n'));
  const shown = await fetch(`${daemon.url}/status`);
  expectNoSecret(await shown.text());
  expect(await daemon.stop()).toBe(0);
  expectNoSecret(JSON.stringify(world.log));
});

/** pylance gets into the store by variables of its environment. */
async function startPylance(): Promise<Worker | undefined> {
  const pylance = await findPylance(PYLANCE_VERSIONS.newest);
  if (!pylance) return undefined;
  const env = {
    ...pylance.env,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    AWS_REGION: s3.region,
    AWS_ENDPOINT: s3.endpoint,
    AWS_ALLOW_HTTP: 'true',
  };
  const worker = startWorker({ ...pylance, env });
  onTestFinished(() => worker.stop());
  return worker;
}

/** What is wrong with the indexes, as pylance describes them, and with lookups through them. */
async function faultsSeenBy(pylance: Worker, uri: string, ids: readonly number[]): Promise<string[]> {
  const report = await pylance.ask<Report>('check', { uri, columns: [] });
  const filters = ids.flatMap((id) => [`id = ${id}`, `name = '${nameOf(id)}'`]);
  const answers = await pylance.ask<Answers[]>('compare', { uri, filters });
  const wrong = answers.filter(({ indexed, scanned, uses_index }) => indexed !== 1 || scanned !== 1 || !uses_index);
  return [...gaps(report), ...wrong.map((answer) => JSON.stringify(answer))];
}

test('the newest pylance reads the table, and compacts it while segmentd goes on', {
  timeout: INSTALL_MS,
}, async (context) => {
  const pylance = await startPylance();
  if (!pylance) return context.skip();
  const world = await s3World();
  await makeTable(world, 'people', ROWS);
  const daemon = await world.daemon();
  const uri = world.tableFolder('people');
  expect(await exitOf(startWriter(world, 'people', ROWS, 5, 100))).toBe(0);
  await until('the appends are covered', () => covered(world, 'people'));
  expect(await faultsSeenBy(pylance, uri, [0, ROWS, ROWS + 499])).toEqual([]);

  const writer = startWriter(world, 'people', ROWS + 500, 10, 100);
  // A commit of segmentd may come first: then the compaction is done again, as by operators.
  await until('it is compacted beside segmentd', () =>
    pylance.ask<{ removed: number }>('compact_files', { uri }).then(
      ({ removed }) => removed > 0,
      () => sleep(100).then(() => false),
    ),
  );
  await pylance.ask('optimize_indices', { uri });
  expect(await exitOf(writer)).toBe(0);
  await until('everything is covered', () => covered(world, 'people'));
  expect(await daemon.stop()).toBe(0);
  expect((await world.facts('people')).rows).toBe(ROWS + 1_500);
  expect(await faultsSeenBy(pylance, uri, [0, ROWS, ROWS + 1_499])).toEqual([]);
});
