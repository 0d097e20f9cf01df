import { expect, test } from 'vitest';
import { azureDriver } from '../../../src/store/azure-store.ts';
import { azureSettings } from '../../../src/store/storage-options.ts';
import type { CannedAnswer } from './answering-server.ts';
import { answeringServer } from './answering-server.ts';
import { driverRules, failureKind, SECRET, signal } from './driver-rules.ts';

const content = Buffer.from('x');

const open = (endpoint: string, options: Record<string, string> = { account_key: SECRET }) =>
  azureDriver('bucket', () => azureSettings({ account_name: 'acct', endpoint, allow_http: 'true', ...options }, {}));

const error = (status: number, code: string): CannedAnswer => ({
  status,
  headers: { 'x-ms-error-code': code, 'content-type': 'application/xml' },
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>Text.\nRequestId:1</Message></Error>`,
});

driverRules({ open, error });

async function opened(options?: Record<string, string>) {
  const server = await answeringServer();
  return { server, driver: open(server.url, options) };
}

test('a creation is a Put Blob on the condition that there is nothing; the tag has no quotes', async () => {
  const { server, driver } = await opened();
  server.answer({ status: 201, headers: { etag: '"0x1"' } });
  expect(await driver.create('a b/ö', content, signal)).toBe('0x1');
  expect(server.asked).toMatchObject([
    {
      method: 'PUT',
      url: '/bucket/a%20b/%C3%B6',
      headers: { 'if-none-match': '*', 'x-ms-blob-type': 'BlockBlob' },
      body: 'x',
    },
  ]);
  expect(server.asked[0]?.headers.authorization).toMatch(/^SharedKey acct:/);
});

test.each([
  [404, 'ContainerNotFound', 'failed'],
  [404, 'BlobNotFound', 'missing'],
  [409, 'ContainerBeingDeleted', 'failed'],
] as const)('%d %s is %s, for a HEAD as well', async (status, code, kind) => {
  const { server, driver } = await opened();
  server.answer(error(status, code));
  expect(await failureKind(driver, driver.get('a', signal))).toBe(kind);
  server.answer({ status, headers: { 'x-ms-error-code': code } });
  expect(await failureKind(driver, driver.head('a', signal))).toBe(kind);
});

test('a signature goes with the address, and into no message', async () => {
  const { server, driver } = await opened({ sas_token: `?sv=1&sig=${encodeURIComponent(SECRET)}` });
  server.answer({ status: 201, headers: { etag: '"0x1"' } });
  await driver.create('a', content, signal);
  expect(new URL(server.asked[0]?.url ?? '', server.url).searchParams.get('sig')).toBe(SECRET);
  const unreachable = open('http://127.0.0.1:1', { sas_token: `sv=1&sig=${SECRET}` });
  const failure = await unreachable.create('a', content, signal).catch(unreachable.failureOf);
  expect(JSON.stringify(failure)).not.toContain(SECRET);
});

test('a key comes before a client, and a client before a signature', async () => {
  const { server, driver } = await opened({ account_key: SECRET, sas_token: 'sv=1&sig=s' });
  server.answer({ status: 201, headers: { etag: '"0x1"' } });
  await driver.create('a', content, signal);
  expect(server.asked[0]).toMatchObject({
    url: '/bucket/a',
    headers: { authorization: expect.stringMatching(/^SharedKey/) },
  });
  const client = { client_id: 'id', client_secret: SECRET, tenant_id: 'tenant', sas_token: 'sv=1&sig=s' };
  const other = open(server.url, client);
  // Azure's SDK sends no token without TLS: that it says so shows that it was about to.
  await expect(other.create('a', content, signal)).rejects.toThrow('TLS');
});

test('without the name of the account there is no address', async () => {
  const driver = azureDriver('bucket', () => azureSettings({ account_key: SECRET }, {}));
  await expect(driver.head('a', signal)).rejects.toMatchObject({ code: 'config_invalid' });
});

test('an emulator has an address and a key of its own', async () => {
  const driver = azureDriver('bucket', () => azureSettings({ use_emulator: 'true' }, {}));
  const failure = await driver.create('a', content, signal).catch(driver.failureOf);
  expect(failure).toMatchObject({ kind: 'failed', message: expect.stringContaining('127.0.0.1:10000') });
});
