import { request } from 'node:http';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { text } from '../../../src/http/answer.ts';
import type { ListenerOptions } from '../../../src/http/listener.ts';
import { startListener } from '../../../src/http/listener.ts';

async function start(more: Partial<ListenerOptions> = {}) {
  const server = await startListener({
    ...{ host: '127.0.0.1', port: 0, section: 'http' },
    answer: async () => text(200, 'fine'),
    failed: () => ({ body: 'failed\n' }),
    ...more,
  });
  onTestFinished(() => server.close());
  return server;
}

const url = (port: number) => `http://127.0.0.1:${port}/`;

/** A connection that says what it is told to; `said` resolves with all that came, when it was closed. */
function talk(port: number, opening: string): { socket: Socket; said: Promise<string> } {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let heard = '';
  socket.setEncoding('latin1').on('data', (piece: string) => {
    heard += piece;
  });
  socket.on('error', () => undefined);
  socket.write(opening);
  return { socket, said: new Promise((resolve) => socket.once('close', () => resolve(heard))) };
}

test('a body that says that it is long is refused, and one that does not say so is cut off', async () => {
  const { port } = await start();
  const long = 'x'.repeat(65 * 1024);
  const refused = await fetch(url(port), { method: 'POST', body: long });
  expect([refused.status, refused.headers.get('connection')]).toEqual([413, 'close']);
  expect(await refused.json()).toMatchObject({ code: 'http_body_too_large' });
  expect((await fetch(url(port), { method: 'POST', body: 'x'.repeat(1_000) })).status).toBe(200);

  const { said, socket } = talk(port, 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  const chunk = `2000\r\n${'x'.repeat(0x2000)}\r\n`;
  const timer = setInterval(() => socket.writable && socket.write(chunk), 1);
  onTestFinished(() => clearInterval(timer));
  expect(await said).not.toContain('HTTP/1.1 500');
});

test.each([
  ['headers', 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow: '],
  ['a body', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n'],
])('a client that sends %s a byte now and then is let go, while others are answered', async (_what, opening) => {
  const limits = { headersTimeout: 150, requestTimeout: 300, connectionsCheckingInterval: 50 };
  const { port } = await start({ limits });
  const slow = talk(port, opening);
  const timer = setInterval(() => slow.socket.writable && slow.socket.write('a'), 20);
  onTestFinished(() => clearInterval(timer));
  expect((await fetch(url(port))).status).toBe(200);
  await slow.said;
});

test('an address that asks too often waits, and is told for how long', async () => {
  const { port } = await start({ requestsPerSecond: 3 });
  const answers = await Promise.all(Array.from({ length: 12 }, () => fetch(url(port))));
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(0);
  expect(answers.some(({ status }) => status === 200)).toBe(true);
  expect(refused[0]?.headers.get('retry-after')).toBe('1');
  expect(await refused[0]?.json()).toMatchObject({ code: 'too_many_requests' });
});

test('it closes although clients have connections open that they have asked nothing on', async () => {
  const server = await start();
  const { said } = talk(server.port, '');
  await fetch(url(server.port));
  await server.close();
  expect(await said).toBe('');
});

test('an answer to a client that has left does no harm', async () => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  const { promise: left, resolve: leave } = Promise.withResolvers<void>();
  const { port } = await start({
    answer: async ({ path }) => {
      if (path === '/slow') {
        ask();
        await left;
      }
      return text(200, 'fine');
    },
  });
  const client = request(`${url(port)}slow`);
  client.on('error', () => undefined);
  client.end();
  await asked;
  client.destroy();
  await new Promise((done) => client.once('close', done));
  leave();
  expect((await fetch(url(port))).status).toBe(200);
});
