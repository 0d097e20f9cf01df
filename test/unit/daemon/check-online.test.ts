import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { checkOnline } from '../../../src/daemon/check-online.ts';
import { json, refusal } from '../../../src/http/answer.ts';
import { startListener } from '../../../src/http/listener.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

const TOKEN = '0123456789abcdef';

/** What is found, as `level option: message`, of listeners that are configured so. */
async function found(options: Record<string, string>): Promise<string[]> {
  const dir = await tempDir();
  await mkdir(join(dir, 'lake'));
  const env = { SEGMENTD_DATABASES: '{lake: ./lake}', SEGMENTD_HTTP_PORT: '0', SEGMENTD_ADMIN_PORT: '0', ...options };
  const findings = await checkOnline(loadConfig({ env, cwd: dir }));
  return findings.map(({ level, path, message }) => `${level} ${path.join('.')}: ${message}`);
}

/** A listener of segmentd, which answers requests without a token. */
async function segmentdListens(socket?: string): Promise<number> {
  const server = await startListener({
    ...{ host: '127.0.0.1', port: 0, section: 'admin' },
    socket: socket === undefined ? undefined : { path: socket, access: 'owner' },
    answer: async () => refusal(new SegmentdError('http_unauthorized', 'a bearer token is required')),
    failed: () => ({ body: '' }),
  });
  onTestFinished(() => server.close());
  return server.port;
}

async function another(answer: RequestListener): Promise<number> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

test('addresses that are free are nothing to tell of', async () => {
  expect(await found({ SEGMENTD_ADMIN_TOKEN: TOKEN })).toEqual([]);
});

test('where a segmentd answers, that is told as a note: it may be the daemon of this configuration', async () => {
  const [http, admin] = [await segmentdListens(), await segmentdListens()];
  const ports = { SEGMENTD_HTTP_PORT: String(http), SEGMENTD_ADMIN_PORT: String(admin) };
  expect(await found({ ...ports, SEGMENTD_ADMIN_TOKEN: TOKEN })).toEqual([
    `note http.port: a segmentd answers at 127.0.0.1:${http}; another one needs an address of its own`,
    `note admin.port: a segmentd answers at 127.0.0.1:${admin}; another one needs an address of its own`,
  ]);
  const socket = join(await tempDir(), 'admin.sock');
  await segmentdListens(socket);
  const at = { SEGMENTD_ADMIN_TOKEN: TOKEN, SEGMENTD_ADMIN_PORT: '9465', SEGMENTD_ADMIN_SOCKET: socket };
  expect(await found(at)).toEqual([
    `note admin.socket: a segmentd answers at ${socket}; another one needs an address of its own`,
  ]);
});

test.each<[string, RequestListener]>([
  ['says something else', (_, response) => response.end('hello')],
  ['says it in JSON', (_, response) => response.end(json(401, { code: 'unauthorized' }).body as string)],
  ['says null', (_, response) => response.end('null')],
  ['hangs up', (request) => request.socket.destroy()],
])('another program at the port, which %s, is a warning', async (_, answer) => {
  const port = await another(answer);
  expect(await found({ SEGMENTD_HTTP_PORT: String(port) })).toEqual([
    `warning http.port: cannot listen on 127.0.0.1:${port}: EADDRINUSE`,
  ]);
});

test('an address that cannot be had is an error', async () => {
  expect(await found({ SEGMENTD_HTTP_HOST: '192.0.2.1' })).toEqual([
    'error http.host: cannot listen on 192.0.2.1:0: EADDRNOTAVAIL',
  ]);
});
