import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { gcsDriver } from '../../../src/store/gcs-store.ts';
import { gcsSettings } from '../../../src/store/storage-options.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import type { CannedAnswer } from './answering-server.ts';
import { answeringServer } from './answering-server.ts';
import { driverRules, failureKind, SECRET, signal } from './driver-rules.ts';

const content = Buffer.from('x');

const open = (url: string, options: Record<string, string> = { bearer_token: SECRET }) =>
  gcsDriver('bucket', () => gcsSettings({ base_url: url, ...options }, {}));

const json = (status: number, body: unknown): CannedAnswer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});
const error = (status: number, reason: string) =>
  json(status, { error: { code: status, message: 'Text.', errors: [{ reason, message: 'Text.' }] } });

driverRules({ open, error });

async function opened() {
  const server = await answeringServer();
  return { server, driver: open(server.url) };
}

test('a creation is an upload on the condition that there is nothing; the tag is the generation', async () => {
  const { server, driver } = await opened();
  server.answer(json(200, { name: 'a', size: '1', generation: '1795897707745893' }));
  expect(await driver.create('a b/ö', content, signal)).toBe('1795897707745893');
  const [asked] = server.asked;
  expect(asked?.method).toBe('POST');
  const url = new URL(asked?.url ?? '', server.url);
  expect(url.pathname).toBe('/upload/storage/v1/b/bucket/o');
  expect(Object.fromEntries(url.searchParams)).toMatchObject({ name: 'a b/ö', ifGenerationMatch: '0' });
  expect(asked?.headers.authorization).toBe(`Bearer ${SECRET}`);
});

test('a listing asks for nothing that it does not use', async () => {
  const { server, driver } = await opened();
  server.answer(
    json(200, {
      items: [{ name: 'v/1', size: '3', generation: '7', updated: '2026-11-28T20:00:00.000Z' }],
      prefixes: ['v/a/'],
      nextPageToken: 'next',
    }),
  );
  expect(await driver.list({ prefix: 'v/', oneLevel: true, limit: 2, from: 'token' }, signal)).toEqual({
    objects: [{ key: 'v/1', stat: { bytes: 3, tag: '7' }, modifiedMs: Date.UTC(2026, 10, 28, 20) }],
    folders: ['v/a'],
    next: 'next',
  });
  const { searchParams } = new URL(server.asked[0]?.url ?? '', server.url);
  expect(Object.fromEntries(searchParams)).toEqual({
    prefix: 'v/',
    delimiter: '/',
    maxResults: '2',
    pageToken: 'token',
    fields: 'items(name,size,generation,updated),prefixes,nextPageToken',
  });
  server.answer(json(200, {}));
  expect(await driver.list({ prefix: 'v/', oneLevel: false }, signal)).toEqual({ objects: [], folders: [] });
});

test('a download without a generation is an error: nobody could tell what was read', async () => {
  const { server, driver } = await opened();
  server.answer({ status: 200, headers: { 'x-goog-generation': '7' }, body: 'text' });
  const { content: read, tag } = await driver.get('a', signal);
  expect([Buffer.from(read).toString(), tag]).toEqual(['text', '7']);
  server.answer({ status: 200, body: 'text' });
  expect(await failureKind(driver, driver.get('a', signal))).toBe('failed');
});

describe('credentials', () => {
  const nowhere = 'http://127.0.0.1:1';

  test('that are no JSON are not shown', async () => {
    const driver = open(nowhere, { service_account_key: `{"private_key":"${SECRET}"` });
    const thrown: unknown = await driver.head('a', signal).catch((it: unknown) => it);
    expect(thrown).toMatchObject({ code: 'config_invalid' });
    expect(inspect(thrown, { depth: 20, showHidden: true })).not.toContain(SECRET);
  });

  test.each(['external_account', 'other'])('of type %s, which LanceDB does not read, are refused', async (type) => {
    const driver = open(nowhere, { service_account_key: JSON.stringify({ type }) });
    await expect(driver.head('a', signal)).rejects.toMatchObject({ code: 'config_invalid' });
  });

  test.each(['service_account', 'application_credentials'])('are read from the file of %s, each time', async (name) => {
    const path = join(await tempDir(), 'key.json');
    const driver = open(nowhere, { [name]: path });
    const told = () =>
      driver.head('a', signal).then(
        () => '',
        (error: unknown) => String(error),
      );
    expect(await told()).toContain(`cannot read ${path}`);
    await writeFile(path, 'none');
    expect(await told()).toContain('not JSON');
    // Not a key that could sign anything, so that no token is asked for.
    await writeFile(path, JSON.stringify({ type: 'service_account', client_email: 'a@b', private_key: 'none' }));
    expect(await told()).toContain('DECODER');
  });
});
