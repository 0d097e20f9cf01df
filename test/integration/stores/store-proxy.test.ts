/** The proxy that the tests of stores look through: what it counts and how it breaks has to be true. */
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage, RequestListener } from 'node:http';
import { createServer, request } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Fault, LoggedRequest, StoreProxy } from '../../../testing/stores/store-proxy.ts';
import { countRounds, startStoreProxy } from '../../../testing/stores/store-proxy.ts';

type Seen = { readonly line: string; readonly headers: IncomingHttpHeaders; readonly body: string };

async function textOf(message: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of message.setEncoding('utf8')) text += chunk;
  return text;
}

/** A server that goes with the test. */
async function listening(listener: RequestListener): Promise<{ url: string; close(): void }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  onTestFinished(close);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

async function proxyTo(upstream: string): Promise<StoreProxy> {
  const proxy = await startStoreProxy(upstream);
  onTestFinished(() => proxy.stop());
  return proxy;
}

type Ask = {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly signal?: AbortSignal;
};

/** One request; rejects with the code of a broken connection. */
async function ask(url: string, { body = '', ...settings }: Ask = {}) {
  const outgoing = request(url, { ...settings, agent: false });
  outgoing.end(body);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: await textOf(response) };
}

describe('in front of a store', () => {
  let seen: Seen[];
  let upstream: { url: string; close(): void };
  let proxy: StoreProxy;

  beforeEach(async () => {
    seen = [];
    upstream = await listening(async (incoming, outgoing) => {
      const body = await textOf(incoming);
      seen.push({ line: `${incoming.method} ${incoming.url}`, headers: incoming.headers, body });
      outgoing.writeHead(200, { ETag: '"abc"', 'Content-Length': '5' }).end(incoming.method === 'HEAD' ? '' : 'hello');
    });
    proxy = await proxyTo(upstream.url);
  });

  test('a request goes through as it is, with the host that the client signed', async () => {
    const headers = { 'If-None-Match': '*', Range: 'bytes=0-4' };
    const answer = await ask(`${proxy.url}/b/a%2Fb.c?x=1%202&y`, { method: 'PUT', headers, body: 'grüße' });
    expect(answer).toMatchObject({ status: 200, headers: { etag: '"abc"' }, body: 'hello' });
    expect(seen).toMatchObject([{ line: 'PUT /b/a%2Fb.c?x=1%202&y', body: 'grüße' }]);
    expect(seen[0]?.headers).toMatchObject({ host: new URL(proxy.url).host, 'if-none-match': '*' });
  });

  test('it is logged with the bytes of both ways', async () => {
    await ask(`${proxy.url}/b/a%2Fb.c?x=1%202&y`, { method: 'PUT', headers: { Range: 'bytes=0-4' }, body: 'grüße' });
    const { startMs = 0, endMs = 0, ...logged } = proxy.requests[0] ?? {};
    expect(logged).toMatchObject({
      method: 'PUT',
      path: '/b/a/b.c',
      query: 'x=1 2&y',
      range: 'bytes=0-4',
      status: 200,
    });
    expect(logged).toMatchObject({ bodyBytes: 7, responseBytes: 5 });
    expect(endMs).toBeGreaterThan(startMs);
    proxy.clear();
    expect(proxy.requests).toEqual([]);
  });

  test('HEAD tells the length of the object and sends nothing of it', async () => {
    const answer = await ask(`${proxy.url}/b/a`, { method: 'HEAD' });
    expect(answer).toMatchObject({ status: 200, headers: { 'content-length': '5' }, body: '' });
    expect(proxy.requests).toMatchObject([{ method: 'HEAD', responseBytes: 0 }]);
  });

  test('a delay is added to each request', async () => {
    proxy.delayMs = 30;
    await ask(proxy.url);
    const [{ startMs, endMs } = { startMs: 0, endMs: 0 }] = proxy.requests;
    // A timer may be early by the rounding of its clock.
    expect(endMs - startMs).toBeGreaterThan(29);
  });

  test.each<{ fault: Fault; reached: number }>([
    { fault: 'reset-before', reached: 0 },
    { fault: 'reset-after', reached: 1 },
  ])('$fault: the connection breaks, once', async ({ fault, reached }) => {
    proxy.inject({ match: ({ method }) => method === 'PUT', fault, times: 1 });
    expect((await ask(proxy.url)).status).toBe(200);
    await expect(ask(proxy.url, { method: 'PUT', body: 'x' })).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(seen.filter(({ line }) => line.startsWith('PUT'))).toHaveLength(reached);
    expect(proxy.requests[1]).toMatchObject({ method: 'PUT', bodyBytes: 1, responseBytes: 0, status: 0 });
    expect((await ask(proxy.url, { method: 'PUT', body: 'x' })).status).toBe(200);
  });

  test.each([
    { fault: { status: 503, code: 'SlowDown' }, reached: 0 },
    { fault: { status: 500, code: 'InternalError', after: true }, reached: 1 },
  ])('$fault: another answer, until the rule is taken back', async ({ fault, reached }) => {
    const takeBack = proxy.inject({ match: () => true, fault });
    const answer = await ask(proxy.url, { method: 'PUT' });
    expect(answer.status).toBe(fault.status);
    expect(answer.body).toContain(`<Code>${fault.code}</Code>`);
    expect(answer.headers['x-ms-error-code']).toBe(fault.code);
    expect(seen).toHaveLength(reached);
    expect((await ask(proxy.url, { method: 'HEAD' })).body).toBe('');
    takeBack();
    expect((await ask(proxy.url)).body).toBe('hello');
  });

  test('hang: no answer until the client gives up, and not a byte for the store', async () => {
    proxy.inject({ match: () => true, fault: 'hang', times: 1 });
    const patience = new AbortController();
    const hanging = expect(ask(proxy.url, { signal: patience.signal })).rejects.toMatchObject({ name: 'AbortError' });
    while (proxy.requests.length === 0) await ask(upstream.url);
    expect(proxy.requests).toMatchObject([{ status: 0, endMs: Number.POSITIVE_INFINITY }]);
    patience.abort();
    await hanging;
    await ask(proxy.url);
    expect(seen.filter(({ headers }) => headers.host === new URL(proxy.url).host)).toHaveLength(1);
  });

  test('a store that is not there looks like a broken connection', async () => {
    upstream.close();
    await expect(ask(proxy.url)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  test('it stops while a request hangs', async () => {
    proxy.inject({ match: () => true, fault: 'hang' });
    const hanging = expect(ask(proxy.url)).rejects.toMatchObject({ code: 'ECONNRESET' });
    while (proxy.requests.length === 0) await ask(upstream.url);
    await proxy.stop();
    await hanging;
    await expect(ask(proxy.url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

test('a connection that the store closed just as it was used again is not a fault', async () => {
  // Answers the first request of each connection and resets it at the second.
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    socket.on('data', () => {
      if (sockets.has(socket)) socket.resetAndDestroy();
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      sockets.add(socket);
    });
    socket.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const proxy = await proxyTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  expect((await ask(proxy.url)).body).toBe('ok');
  expect((await ask(proxy.url)).body).toBe('ok');
  expect(sockets.size).toBe(2);
});

describe('rounds', () => {
  const at = (startMs: number, endMs: number) => ({ startMs, endMs }) as LoggedRequest;

  test.each([
    { name: 'nothing', requests: [], rounds: 0 },
    { name: 'one after the other', requests: [at(0, 1), at(1, 2), at(3, 4)], rounds: 3 },
    { name: 'all at once', requests: [at(0, 5), at(1, 6), at(2, 3)], rounds: 1 },
    { name: 'two, then one', requests: [at(0, 5), at(1, 6), at(5, 9)], rounds: 2 },
    { name: 'a long one beside two short ones', requests: [at(0, 9), at(1, 3), at(3, 5)], rounds: 2 },
    { name: 'in another order', requests: [at(5, 9), at(0, 5), at(1, 6)], rounds: 2 },
    { name: 'one that never ended', requests: [at(0, Number.POSITIVE_INFINITY), at(1, 2), at(2, 3)], rounds: 2 },
  ])('$name: $rounds', ({ requests, rounds }) => {
    expect(countRounds(requests)).toBe(rounds);
  });

  test('are those of the requests themselves', async () => {
    let waiting: (() => void)[] = [];
    // Answers three that are there at once, and `/alone` by itself.
    const upstream = await listening((incoming, outgoing) => {
      const go = () => void outgoing.end();
      if (incoming.url === '/alone') return go();
      waiting.push(go);
      if (waiting.length < 3) return;
      for (const each of waiting) each();
      waiting = [];
    });
    const proxy = await proxyTo(upstream.url);
    await ask(`${proxy.url}/alone`);
    await ask(`${proxy.url}/alone`);
    await Promise.all(['/a', '/b', '/c'].map((path) => ask(proxy.url + path)));
    expect(proxy.requests).toHaveLength(5);
    expect(proxy.rounds()).toBe(3);
    expect(proxy.rounds(proxy.requests.slice(2))).toBe(1);
  });
});
