import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import type { RunningServer } from '../../../src/http/listener.ts';
import type { Verdict } from '../../../src/http/probes.ts';
import { startServer } from '../../../src/http/probes.ts';

const running: RunningServer[] = [];
afterEach(() => Promise.all(running.splice(0).map((server) => server.close())));

type Options = {
  ready?: Verdict;
  live?: Verdict;
  render?: () => Promise<string>;
  port?: number;
  mode?: string;
  token?: string;
  host?: string;
  names?: string[];
};

async function start(options: Options = {}) {
  const server = await startServer({
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    names: options.names,
    metrics: {
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      render: options.render ?? (async () => 'x 1\n'),
    },
    health: { live: () => options.live ?? true, ready: () => options.ready ?? true, mode: options.mode },
    token: options.token,
    status: (path) => (path.startsWith('/status') ? { status: 200, body: path } : undefined),
  });
  running.push(server);
  return { server, get: (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${server.port}${path}`, init) };
}

test('/metrics has the type of the registry', async () => {
  const { get } = await start();
  const response = await get('/metrics?x=1');
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(await response.text()).toBe('x 1\n');
});

describe('probes', () => {
  test('say ok', async () => {
    const { get } = await start();
    for (const path of ['/healthz', '/readyz', '/startupz']) expect((await get(path)).status, path).toBe(200);
  });

  test('say what kind of daemon it is that is ready', async () => {
    const { get } = await start({ mode: 'no broker' });
    expect(await (await get('/readyz')).text()).toBe('ok (no broker)\n');
    expect(await (await get('/healthz')).text()).toBe('ok\n');
  });

  test('say what is wrong', async () => {
    const { get } = await start({ ready: 'draining', live: false });
    expect([(await get('/readyz')).status, await (await get('/readyz')).text()]).toEqual([503, 'draining\n']);
    expect([(await get('/healthz')).status, await (await get('/healthz')).text()]).toEqual([503, 'not ok\n']);
  });
});

test('HEAD answers without a body, other methods and paths are not found', async () => {
  const { get } = await start();
  const head = await get('/metrics', { method: 'HEAD' });
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '4', '']);
  expect((await get('/metrics', { method: 'POST' })).status).toBe(404);
  expect((await get('/')).status).toBe(404);
});

test('a page that cannot be rendered is an error, not a hang', async () => {
  const { get } = await start({ render: () => Promise.reject(new Error('no page')) });
  const response = await get('/metrics');
  expect([response.status, await response.text()]).toEqual([500, 'no page\n']);
});

test('a port that is taken stops the start', async () => {
  const { server } = await start();
  await expect(start({ port: server.port })).rejects.toMatchObject({
    code: 'config_invalid',
    message: expect.stringContaining('EADDRINUSE'),
  });
});

test('closing twice is fine and frees the port', async () => {
  const { server } = await start();
  await Promise.all([server.close(), server.close()]);
  await start({ port: server.port });
});

test('where a token is asked for, all of the status needs it, and nothing else does', async () => {
  const { get } = await start({ token: 'secret' });
  const headers = { authorization: 'Bearer secret' };
  for (const path of ['/status', '/status/events', '/status/tables/db/t', '/status/none', '/status?x=1']) {
    const refused = await get(path);
    expect([path, refused.status, refused.headers.get('www-authenticate')]).toEqual([path, 401, 'Bearer']);
    expect(await refused.json()).toMatchObject({ code: 'http_unauthorized' });
    expect((await get(path, { headers })).status, path).toBe(200);
  }
  for (const path of ['/metrics', '/healthz', '/readyz', '/startupz']) expect((await get(path)).status, path).toBe(200);
});

/** The answer to a request with this `Host`. */
function askedAs(port: number, path: string, host: string): Promise<{ status: number | undefined; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number | undefined; body: string }>();
  const sent = request({ host: '127.0.0.1', port, path, headers: { host }, agent: false }, (response) => {
    void text(response).then((body) => resolve({ status: response.statusCode, body }), reject);
  });
  sent.on('error', reject).end();
  return promise;
}

test('at 127.0.0.1 a page of another site learns nothing, whatever its name leads to', async () => {
  const { server } = await start({ names: ['lake.example.com'] });
  for (const path of ['/status', '/metrics', '/readyz', '/none']) {
    const { status, body } = await askedAs(server.port, path, `evil.example:${server.port}`);
    expect([status, JSON.parse(body)]).toEqual([
      421,
      expect.objectContaining({ code: 'http_host_unknown', hint: expect.stringContaining('http.names') }),
    ]);
    expect(body).not.toContain('evil');
  }
  for (const host of ['localhost', `127.0.0.1:${server.port}`, 'lake.example.com']) {
    expect((await askedAs(server.port, '/metrics', host)).status).toBe(200);
  }
});

test('where others reach it, it answers to any name: Prometheus asks by that of a service', async () => {
  const { server } = await start({ host: '0.0.0.0' });
  expect((await askedAs(server.port, '/metrics', 'segmentd.default.svc:9464')).status).toBe(200);
});
