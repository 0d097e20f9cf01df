import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { s3Driver } from '../../../src/store/s3-store.ts';
import { s3Settings } from '../../../src/store/storage-options.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import type { CannedAnswer } from './answering-server.ts';
import { answeringServer } from './answering-server.ts';
import { driverRules, failureKind, SECRET, signal } from './driver-rules.ts';

const KEYS = { access_key_id: 'id', secret_access_key: SECRET, session_token: SECRET };
const content = Buffer.from('x');

const open = (endpoint: string, more: Record<string, string> = {}) =>
  s3Driver('bucket', () => s3Settings({ ...KEYS, endpoint, allow_http: 'true', ...more }, {}));

const error = (status: number, code: string): CannedAnswer => ({
  status,
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>Text.</Message><Token>${SECRET}</Token></Error>`,
});

driverRules({ open, error });

async function opened(more?: Record<string, string>) {
  const server = await answeringServer();
  return { server, driver: open(server.url, more) };
}

test('a creation is a PUT on the condition that there is nothing, with the bucket in the path', async () => {
  const { server, driver } = await opened();
  server.answer({ status: 200, headers: { etag: '"abc"' } });
  expect(await driver.create('a b/ö', content, signal)).toBe('abc');
  expect(server.asked).toMatchObject([
    {
      method: 'PUT',
      url: expect.stringMatching(/^\/bucket\/a%20b\/%C3%B6(\?|$)/),
      headers: { 'if-none-match': '*' },
      body: 'x',
    },
  ]);
  // Neither trailers nor a question before the content.
  expect(server.asked[0]?.headers).not.toHaveProperty('expect');
  expect(server.asked[0]?.headers).not.toHaveProperty('x-amz-trailer');
  expect(server.asked[0]?.headers.authorization).toContain('/us-east-1/s3/');
});

test('a refusal that followed an unclear answer says nothing', async () => {
  const { server, driver } = await opened();
  server.answer(error(500, 'InternalError'), error(403, 'AccessDenied'));
  expect(await failureKind(driver, driver.put('a', content, signal))).toBe('failed');
  expect(server.asked).toHaveLength(2);
});

test.each([
  ['NoSuchBucket', 'failed'],
  ['NoSuchKey', 'missing'],
])('%s of a reading is %s', async (code, kind) => {
  const { server, driver } = await opened();
  server.answer(error(404, code));
  expect(await failureKind(driver, driver.get('a', signal))).toBe(kind);
});

test('an expired token is a refusal, though S3 answers 400', async () => {
  const { server, driver } = await opened();
  server.answer(error(400, 'ExpiredToken'));
  expect(await failureKind(driver, driver.create('a', content, signal))).toBe('denied');
});

test('without any credentials nothing is sent', async () => {
  const server = await answeringServer();
  const driver = s3Driver('bucket', () => s3Settings({ endpoint: server.url, region: 'x' }, {}));
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  for (const name of ['AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE']) vi.stubEnv(name, '/none');
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE']) vi.stubEnv(name, undefined);
  expect(await failureKind(driver, driver.create('a', content, signal))).toBe('denied');
  expect(server.asked).toEqual([]);
});

describe('options', () => {
  const stored: CannedAnswer = { status: 200, headers: { etag: '"abc"' } };

  test('of encryption go with everything that is stored', async () => {
    const { server, driver } = await opened({
      server_side_encryption: 'aws:kms',
      sse_kms_key_id: 'key',
      sse_bucket_key_enabled: 'true',
      request_payer: 'true',
    });
    server.answer(stored);
    await driver.create('a', content, signal);
    await driver.put('a', content, signal);
    for (const { headers } of server.asked) {
      expect(headers).toMatchObject({
        'x-amz-server-side-encryption': 'aws:kms',
        'x-amz-server-side-encryption-aws-kms-key-id': 'key',
        'x-amz-server-side-encryption-bucket-key-enabled': 'true',
        'x-amz-request-payer': 'requester',
      });
    }
    await driver.head('a', signal);
    expect(server.asked.at(-1)?.headers).toHaveProperty('x-amz-request-payer');
    expect(server.asked.at(-1)?.headers).not.toHaveProperty('x-amz-server-side-encryption');
  });

  test('name the region and may leave out the signature', async () => {
    const { server, driver } = await opened({ region: 'eu-west-9', skip_signature: 'true' });
    server.answer(stored);
    await driver.create('a', content, signal);
    expect(server.asked[0]?.headers).not.toHaveProperty('authorization');
    const signed = open(server.url, { region: 'eu-west-9' });
    await signed.create('a', content, signal);
    expect(server.asked[1]?.headers.authorization).toContain('/eu-west-9/s3/');
    expect(server.asked[1]?.headers['x-amz-security-token']).toBe(SECRET);
  });

  test('lead through a proxy', async () => {
    const proxy = await answeringServer();
    proxy.answer(stored);
    const driver = open('http://store.invalid:9000', { proxy_url: proxy.url });
    expect(await driver.create('a', content, signal)).toBe('abc');
    expect(proxy.asked[0]?.url).toMatch(/^http:\/\/store\.invalid:9000\/bucket\/a/);
  });

  test('are asked for anew each time, as a secret may have been renewed', async () => {
    const server = await answeringServer();
    server.answer(stored);
    let id = 'first';
    const driver = s3Driver('bucket', () => s3Settings({ ...KEYS, access_key_id: id, endpoint: server.url }, {}));
    await driver.create('a', content, signal);
    id = 'second';
    await driver.create('a', content, signal);
    expect(server.asked.map(({ headers }) => /Credential=(\w+)/.exec(headers.authorization ?? '')?.[1])).toEqual([
      'first',
      'second',
    ]);
  });
});

describe('a removal', () => {
  test('of one object is a DELETE, of several one request for all', async () => {
    const { server, driver } = await opened();
    server.answer({ status: 204 });
    await driver.remove([], signal);
    await driver.remove(['a'], signal);
    server.answer({ status: 200, body: '<DeleteResult/>' });
    await driver.remove(['a', 'b'], signal);
    expect(server.asked.map(({ method }) => method)).toEqual(['DELETE', 'POST']);
    expect(server.asked[1]?.body).toContain('<Key>a</Key>');
  });

  test.each([
    ['AccessDenied', 'denied'],
    ['SlowDown', 'throttled'],
    ['InternalError', 'failed'],
    ['NoSuchKey', 'ok'],
  ])('of which one ends in %s is %s, though the request succeeded', async (code, kind) => {
    const { server, driver } = await opened();
    const body = `<DeleteResult><Error><Key>a</Key><Code>${code}</Code><Message>Text.</Message></Error></DeleteResult>`;
    server.answer({ status: 200, body });
    expect(await failureKind(driver, driver.remove(['a', 'b'], signal))).toBe(kind);
  });
});

test('an upload that is turned away once is sent again, whole', async () => {
  const { server, driver } = await opened();
  const path = join(await tempDir(), 'file');
  await writeFile(path, 'segment');
  server.answer(error(503, 'SlowDown'), { status: 200, headers: { etag: '"abc"' } });
  await driver.upload({ path, bytes: 7 }, 'a', signal);
  expect(server.asked.map(({ body }) => body)).toEqual(['segment', 'segment']);
});
