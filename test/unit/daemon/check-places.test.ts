import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect } from '@lancedb/lancedb';
import { expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { checkPlaces } from '../../../src/daemon/check-places.ts';
import { people } from '../../../testing/people.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

/** A home with an empty database `lake`, and what is found in a configuration that begins with it. */
async function home() {
  const dir = await tempDir();
  await mkdir(join(dir, 'lake'));
  const defaults = { databases: { lake: './lake' }, state: { scratch_dir: './scratch' } };
  return {
    at: (name: string) => join(dir, name),
    /** `level code option: message`, with `~` for the home. */
    async found(options: Record<string, unknown> = {}): Promise<string[]> {
      const file = join(dir, 'segmentd.yaml');
      await writeFile(file, JSON.stringify({ ...defaults, ...options }));
      const findings = await checkPlaces(loadConfig({ file, env: {}, cwd: dir }));
      return findings.map(
        ({ level, code, path, message }) => `${level} ${code} ${path.join('.')}: ${message.replaceAll(dir, '~')}`,
      );
    },
  };
}

const INVALID = 'error config_invalid';

test('nothing is wrong with a database, its tables and their columns', async () => {
  const { at, found } = await home();
  const connection = await connect(at('lake'));
  (await connection.createTable('t', people(0, 3))).close();
  connection.close();
  expect(await found({ tables: { 'lake/t': { indexes: [{ column: 'id' }] } } })).toEqual([]);
});

test('a folder that is not there may come', async () => {
  const { found } = await home();
  expect(await found({ databases: { lake: './none', deep: './no/such/place' } })).toEqual([
    'warning database_not_found databases.lake: there is no folder ~/none; segmentd waits for it',
    'warning database_not_found databases.deep: there is no folder ~/no/such/place; segmentd waits for it',
  ]);
});

test('a folder that is a table, a branch or a file is no database', async () => {
  const { at, found } = await home();
  for (const table of ['t.lance', 't.lance/tree/dev']) {
    await mkdir(at(join('lake', table, '_versions')), { recursive: true });
  }
  await writeFile(at('file'), '');
  const of = (uri: string) => found({ databases: { lake: uri } });
  expect(await of('./lake/t.lance')).toEqual([
    `${INVALID} databases.lake: ~/lake/t.lance is a table; a database is the folder that holds it`,
  ]);
  const branch = '~/lake/t.lance/tree/dev is the branch dev of the table ~/lake/t.lance; segmentd serves main branches';
  expect(await of('./lake/t.lance/tree/dev')).toEqual([`${INVALID} databases.lake: ${branch}`]);
  for (const file of ['file', 'file/below']) {
    expect(await of(file)).toEqual([`${INVALID} databases.lake: ~/${file} is a file, or lies below one`]);
  }
});

test('an object store is not asked, but the files of its secrets are looked at', async () => {
  const { at, found } = await home();
  let connections = 0;
  const server = createServer(() => {
    connections += 1;
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await writeFile(at('key'), 's3cret\n');
  await writeFile(at('empty'), '\n');
  const of = (secret_access_key_file: string) => {
    const storage_options = { endpoint, allow_http: true, access_key_id: 'a', secret_access_key_file };
    const lake = { uri: 's3://bucket/lake', storage_options };
    return found({ databases: { lake }, tables: { 'lake/t': { indexes: [{ column: 'id' }] } } });
  };
  expect(await of('./key')).toEqual([]);
  const option = 'databases.lake.storage_options.secret_access_key_file';
  expect(await of('./empty')).toEqual([`${INVALID} ${option}: ~/empty is empty`]);
  expect(await of('./none')).toEqual([expect.stringContaining(`${INVALID} ${option}: cannot read ~/none: ENOENT`)]);
  expect(connections).toBe(0);
});

test('links do not hide that two databases, or a database and the scratch folder, are one', async () => {
  const { at, found } = await home();
  await symlink('lake', at('link'));
  await mkdir(at('lake/inner'));
  await symlink('lake/inner', at('scratch'));
  const findings = await found({ databases: { lake: './lake', other: './link' } });
  expect(findings).toHaveLength(3);
  expect(findings[0]).toBe(`${INVALID} databases: behind links, lake and other are the same folder ~/lake`);
  expect(findings[1]).toContain(`${INVALID} state.scratch_dir: behind links, ~/lake/inner and the database lake`);
});

test('a table that is not there, or not as it is configured, is named; others are not', async () => {
  const { at, found } = await home();
  const connection = await connect(at('lake'));
  const options = { storageOptions: { newTableEnableStableRowIds: 'true' } };
  for (const name of ['fine', 'columns']) (await connection.createTable(name, people(0, 3))).close();
  (await connection.createTable('stable', people(0, 3), options)).close();
  connection.close();
  await mkdir(at('lake/empty.lance'));
  const id = { indexes: [{ column: 'id' }] };
  const tables = {
    ...{ 'lake/fine': id, 'lake/none': {}, 'lake/empty': {}, 'lake/stable': id },
    'lake/columns': { indexes: [{ column: 'ident' }] },
  };
  expect(await found({ tables })).toEqual([
    'warning table_not_found tables.lake/none: there is no table ~/lake/none.lance; segmentd waits for it',
    'warning table_not_found tables.lake/empty: there is no table ~/lake/empty.lance; segmentd waits for it',
    'warning table_stable_row_ids tables.lake/stable: the table has stable row ids, and index "id_idx" is not there yet',
    expect.stringMatching(/^warning column_not_found tables\.lake\/columns: .*ident/),
  ]);
});

const SELF_SIGNED = [
  ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=test'],
];

test('certificates and keys have to be there, to be some, and to go together', async () => {
  const { at, found } = await home();
  for (const name of ['one', 'other']) {
    await promisify(execFile)('openssl', [...SELF_SIGNED, '-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)]);
  }
  await writeFile(at('empty'), '');
  await writeFile(at('notes.txt'), 'no certificate');
  const of = (ssl: Record<string, string>) => found({ kafka: { ssl: { enabled: true, ...ssl } } });
  expect(await of({ ca_file: 'one.pem', cert_file: 'other.pem', key_file: 'other.key' })).toEqual([]);
  expect(await of({ ca_file: 'none.pem' })).toEqual([
    `${INVALID} kafka.ssl.ca_file: cannot read ~/none.pem: ENOENT: no such file or directory, open '~/none.pem'`,
  ]);
  expect(await of({ ca_file: '.' })).toEqual([expect.stringContaining('EISDIR')]);
  for (const file of ['empty', 'notes.txt', 'one.key']) {
    const unusable = `${INVALID} kafka.ssl.ca_file: ~/${file} is not usable PEM`;
    expect(await of({ ca_file: file })).toEqual([expect.stringContaining(unusable)]);
  }
  expect(await of({ cert_file: 'one.pem', key_file: 'one.pem' })).toEqual([
    expect.stringContaining(`${INVALID} kafka.ssl.key_file: ~/one.pem is not usable PEM`),
  ]);
  expect(await of({ cert_file: 'one.pem', key_file: 'other.key' })).toEqual([
    `${INVALID} kafka.ssl.key_file: ~/other.key is not the key of ~/one.pem`,
  ]);
});

test('secrets from files have to be there and to be some', async () => {
  const { at, found } = await home();
  await writeFile(at('empty'), '\n');
  await writeFile(at('token'), 's3cret-0123456789\n');
  const sasl = { mechanism: 'plain', username: 'me' };
  const of = (file: string) =>
    found({ kafka: { sasl: { ...sasl, password_file: file } }, admin: { token_file: file } });
  expect(await of('token')).toEqual([]);
  for (const option of ['kafka.sasl.password_file', 'admin.token_file']) {
    expect(await of('empty')).toContain(`${INVALID} ${option}: ~/empty is empty`);
    expect(await of('none')).toContainEqual(
      expect.stringContaining(`${INVALID} ${option}: cannot read ~/none: ENOENT`),
    );
  }
});

test('the scratch folder has to be possible, and is not made', async () => {
  const { at, found } = await home();
  await writeFile(at('file'), '');
  expect(await found({ state: { scratch_dir: './new/deep' } })).toEqual([]);
  // Had the look made it, it were a file's place now.
  await writeFile(at('new'), '');
  expect(await found({ state: { scratch_dir: './file/scratch' } })).toEqual([
    expect.stringContaining('error scratch_unusable state.scratch_dir: cannot be used: ENOTDIR'),
  ]);
  expect(await found({ state: { scratch_dir: './file' } })).toEqual([
    'error scratch_unusable state.scratch_dir: cannot be used: ~/file is no folder',
  ]);
});
