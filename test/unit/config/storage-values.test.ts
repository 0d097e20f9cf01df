import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

const variable = (name: string) => `\${${name}}`;

/** The storage options of a database at `uri`, loaded from a file in `folder`. */
async function loaded(options: string, env: Record<string, string> = {}, uri = 's3://b/lake') {
  const folder = await tempDir();
  const file = join(folder, 'segmentd.yaml');
  await writeFile(file, `databases: {lake: {uri: "${uri}", storage_options: {${options}}}}`);
  const load = () => loadConfig({ file, env, cwd: '/' }).databases.lake?.storage_options;
  return { folder, load };
}

async function failure(options: string, env: Record<string, string> = {}, uri?: string): Promise<string> {
  const { load } = await loaded(options, env, uri);
  try {
    load();
  } catch (error) {
    expect(error).toMatchObject({ code: 'config_invalid' });
    return (error as Error).message;
  }
  throw new Error('the configuration was accepted');
}

test('they are what LanceDB takes, truth values included', async () => {
  const { load } = await loaded('aws_region: eu, ALLOW_HTTP: true, endpoint: "http://h:1"');
  expect(load()).toEqual({ aws_region: 'eu', ALLOW_HTTP: 'true', endpoint: 'http://h:1' });
});

test('they may be variables, or parts of them, as they stand', async () => {
  const env = { KEY: 'a$b', SEA: variable('KEY') };
  const [key, sea] = [variable('KEY'), variable('SEA')];
  const options = `access_key_id: "${key}", secret_access_key: "${key}-${sea}", region: "$SEA"`;
  const { load } = await loaded(options, env);
  expect(load()).toEqual({ access_key_id: 'a$b', secret_access_key: `a$b-${key}`, region: '$SEA' });
  const databases = `{lake: {uri: "s3://b", storage_options: {region: "${key}"}}}`;
  const config = loadConfig({ env: { ...env, SEGMENTD_DATABASES: databases }, cwd: '/' });
  expect(config.databases.lake?.storage_options).toEqual({ region: 'a$b' });
});

test('they may not be variables that are not set', async () => {
  const [sea, empty] = [variable('SEA'), variable('EMPTY')];
  const options = `region: "${sea}", session_token: "${empty}", endpoint: "s3cret-${sea}"`;
  const message = await failure(options, { EMPTY: '' });
  expect(message).toContain('3 problems');
  expect(message).toMatch(/segmentd\.yaml:1:\d+: databases\.lake\.storage_options\.region: \$\{SEA\} is not set/);
  expect(message).toContain(`storage_options.session_token: ${empty} is not set in the environment`);
  expect(message).not.toContain('s3cret');
});

test('they may lie in files, whose paths count from the folder of the configuration', async () => {
  const { folder, load } = await loaded('secret_access_key_file: ./key, access_key_id: a, region: ./eu');
  expect(load()).toEqual({ secret_access_key_file: join(folder, 'key'), access_key_id: 'a', region: './eu' });
  const google = await loaded('service_account_path: ./key.json', {}, 'gs://b');
  expect(google.load()).toEqual({ service_account_path: join(google.folder, 'key.json') });
});

test.each([
  ['colour: s3cret', 'colour: is no storage option that segmentd knows for s3://'],
  ['conditional_put: disabled', 'conditional_put: must be etag'],
  ['sse_customer_key_base64: s3cret', 'sse_customer_key_base64: segmentd holds no keys of customers'],
  ['access_key_id: s3cret', 'access_key_id: access_key_id and secret_access_key go together'],
  ['account_number: 0123', 'must be text: put numbers in quotes'],
])('%s is refused, without the value', async (options, says) => {
  const message = await failure(options);
  expect(message).toContain('1 problem');
  expect(message).toContain(says);
  expect(message).not.toContain('s3cret');
});

test('they mean nothing for a folder', async () => {
  expect(await failure('region: eu', {}, '/data')).toContain('region: a local folder has no storage options');
});

test('they are looked at with those of the environment', async () => {
  const message = await failure('access_key_id: a, secret_access_key: b', { AWS_SESSION_TOKEN: 's3cret' });
  expect(message).toContain('AWS_SESSION_TOKEN of the environment');
  expect(message).not.toContain('s3cret');
});
