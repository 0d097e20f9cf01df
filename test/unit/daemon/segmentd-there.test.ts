import { execFile } from 'node:child_process';
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { isSegmentd } from '../../../src/daemon/segmentd-there.ts';
import { notFound, refusal } from '../../../src/http/answer.ts';
import type { Address } from '../../../src/http/listen.ts';
import type { ListenerOptions } from '../../../src/http/listener.ts';
import { startListener } from '../../../src/http/listener.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

async function listens(answer: ListenerOptions['answer'], options: Partial<Address> & Pick<ListenerOptions, 'tls'>) {
  const all = { host: '127.0.0.1', port: 0, section: 'admin', answer, failed: () => ({ body: '' }), ...options };
  const server = await startListener(all);
  onTestFinished(() => server.close());
  return server.port;
}

const withoutToken: ListenerOptions['answer'] = async () =>
  refusal(new SegmentdError('http_unauthorized', 'a bearer token is required'));

test('both listeners are known by what they refuse, on all addresses and at a socket', async () => {
  for (const answer of [withoutToken, async (request: Parameters<typeof notFound>[0]) => notFound(request)]) {
    expect(await isSegmentd({ host: '127.0.0.1', port: await listens(answer, {}) })).toBe(true);
  }
  expect(await isSegmentd({ host: '0.0.0.0', port: await listens(withoutToken, { host: '0.0.0.0' }) })).toBe(true);
  const path = join(await tempDir(), 's');
  await listens(withoutToken, { socket: { path, access: 'owner' } });
  expect(await isSegmentd({ host: '127.0.0.1', port: 1, socket: path })).toBe(true);
});

test('one that speaks TLS is known whatever its certificate says', async () => {
  const dir = await tempDir();
  const [certFile, keyFile] = [join(dir, 'pem'), join(dir, 'key')];
  const subject = ['-nodes', '-subj', '/CN=elsewhere', '-keyout', keyFile, '-out', certFile];
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
    ...subject,
  ]);
  const port = await listens(withoutToken, {
    tls: { certFile, keyFile, failed: () => undefined, renewed: () => undefined },
  });
  expect(await isSegmentd({ host: '127.0.0.1', port, isTls: true })).toBe(true);
  expect(await isSegmentd({ host: '127.0.0.1', port })).toBe(false);
});

test.each<[string, RequestListener]>([
  ['says something else', (_, response) => response.end('hello')],
  ['says it in other JSON', (_, response) => response.end('{"code":"unauthorized"}')],
  ['says null', (_, response) => response.end('null')],
  ['hangs up', (request) => request.socket.destroy()],
])('a program that %s is none, and where nobody listens there is none', async (_, answer) => {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  expect(await isSegmentd({ host: '127.0.0.1', port })).toBe(false);
  server.close();
  await once(server, 'close');
  expect(await isSegmentd({ host: '127.0.0.1', port })).toBe(false);
});
