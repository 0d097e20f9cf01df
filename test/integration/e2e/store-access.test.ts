/** How commands get into an object store: by options of the command line, and by a configuration. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '@lancedb/lancedb';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { segmentd } from '../../../testing/cli.ts';
import { people } from '../../../testing/people.ts';
import type { S3Server } from '../../../testing/stores/s3-access.ts';
import { startS3Server } from '../../../testing/stores/s3-server.ts';
import { startStoreProxy } from '../../../testing/stores/store-proxy.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

const TABLES = 100;

let s3: S3Server;
beforeAll(async () => {
  s3 = await startS3Server();
  await s3.makeBucket('bucket');
  const connection = await connect('s3://bucket/lake', { storageOptions: s3.storageOptions });
  for (let at = 0; at < TABLES; at++) (await connection.createTable(`t${at}`, people(at * 3, 3))).close();
  connection.close();
  return () => s3.stop();
});

const given = (options: Record<string, string>) =>
  Object.entries(options).flatMap(([name, value]) => ['--storage-option', `${name}=${value}`]);

/** A configuration of the database `lake`, with one secret in a variable and one in a file. */
async function configured() {
  const folder = await tempDir();
  const config = join(folder, 'segmentd.yaml');
  const { access_key_id: _, secret_access_key: secret, ...rest } = s3.storageOptions;
  await writeFile(join(folder, 'secret'), `${secret}\n`);
  const storage_options = { ...rest, access_key_id: `\${KEY}`, secret_access_key_file: './secret' };
  const tables = { 'lake/t0': { indexes: [{ column: 'id' }] } };
  await writeFile(
    config,
    JSON.stringify({ databases: { lake: { uri: 's3://bucket/lake', storage_options } }, tables }),
  );
  return {
    run: (...args: string[]) => segmentd([...args, '-c', config], { KEY: s3.accessKeyId }),
  };
}

test('a hundred tables take three requests each at most, several at a time', async () => {
  const proxy = await startStoreProxy(s3.endpoint, { delayMs: 20 });
  onTestFinished(() => proxy.stop());
  const options = given(s3.storageOptionsAt(proxy.url));
  const { code, stdout } = await segmentd(['status', 's3://bucket/lake', ...options, '--json']);
  expect([code, JSON.parse(stdout).tables]).toEqual([0, Array(TABLES).fill(expect.objectContaining({ rows: 3 }))]);
  expect(proxy.requests.length).toBeLessThanOrEqual(3 * TABLES);
  expect(proxy.rounds()).toBeLessThan(TABLES);
});

test('a configuration has the credentials and the indexes of a table, whichever way it is named', async () => {
  const { run } = await configured();
  const indexed = await run('index', 'lake/t0', '--json');
  expect([indexed.code, JSON.parse(indexed.stdout).indexes]).toEqual([0, [expect.objectContaining({ column: 'id' })]]);
  for (const name of ['lake/t0', 's3://bucket/lake/t0.lance', 'S3://bucket/lake/t0.lance/']) {
    const { code, stdout } = await run('status', name, '--json');
    expect([code, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ coverage: 1, rows: 3 })]);
  }
  expect((await run('wait', 'lake/t0', '--version', '1')).code).toBe(0);
  expect((await run('verify', 'lake/t0')).stdout).toContain('no findings');
  expect((await run('merge', 'lake/t0')).stdout).toContain('nothing to merge');
  expect((await run('backfill', 's3://bucket/lake/t0.lance', '--dry-run')).stdout).toContain('lake/t0 misses nothing');
});

test('no secret is printed, whatever goes wrong', async () => {
  const { run } = await configured();
  const wrong = { ...s3.storageOptions, secret_access_key: 'wr0ng-s3cret' };
  const all = [
    await run('config', 'check'),
    await run('config', 'print'),
    await run('status', 'lake/none'),
    await run('status', 's3://bucket/lake', '--storage-option', 'secret_access_key=wr0ng-s3cret'),
    await segmentd(['status', 's3://bucket/lake', ...given(wrong)]),
    await segmentd(['index', 's3://bucket/lake/t1.lance', '--column', 'id', ...given(wrong)]),
    await segmentd(['status', 's3://nowhere/lake', ...given(s3.storageOptions)]),
  ];
  expect(all.map(({ code }) => code)).toEqual([0, 0, 65, 64, 69, 69, 69]);
  const said = all.map(({ stdout, stderr }) => stdout + stderr).join('\n');
  for (const secret of ['wr0ng-s3cret', s3.secretAccessKey, s3.accessKeyId]) expect(said).not.toContain(secret);
});
