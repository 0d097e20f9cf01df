import { expect, onTestFinished, test } from 'vitest';
import { startServer } from '../../../src/http/probes.ts';
import { statusRoutes } from '../../../src/http/status-routes.ts';
import { startTablesApi } from '../../../src/http/tables-api.ts';

const status = { at: '2026-01-01T00:00:00.000Z', state: 'running' };

/** Both listeners over the same routes; `admin` asks with the token. */
async function listeners() {
  const routes = statusRoutes({
    status: () => status,
    detail: (table) => (table === 'db/my table' ? { table } : null),
  });
  const pages = (path: string) => (path === '/' ? { status: 200, type: 'text/html', body: '<p>' } : undefined);
  const place = { host: '127.0.0.1', port: 0, status: routes, pages };
  const probes = await startServer({
    ...place,
    metrics: { contentType: 'text/plain', render: async () => '' },
    health: { live: () => true, ready: () => true },
  });
  const tables = await startTablesApi({
    ...place,
    token: 'secret',
    commands: [],
    run: async () => ({}),
    wait: async () => ({}),
    all: () => ({}),
  });
  onTestFinished(async () => void (await Promise.all([probes.close(), tables.close()])));
  const headers = { authorization: 'Bearer secret' };
  return {
    http: (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${probes.port}${path}`, init),
    admin: (path: string, init: RequestInit = { headers }) => fetch(`http://127.0.0.1:${tables.port}/v1${path}`, init),
    adminPage: (path: string) => fetch(`http://127.0.0.1:${tables.port}${path}`),
  };
}

test('the status, its events and the tables are on both listeners; operators need the token for them, not for the page', async () => {
  const { http, admin, adminPage } = await listeners();
  for (const ask of [http, admin]) {
    expect(await (await ask('/status')).json()).toEqual(status);
    expect(await (await ask('/status/tables/db/my%20table')).json()).toEqual({ table: 'db/my table' });
  }
  for (const path of ['/status', '/status/events', '/status/tables/db/my%20table']) {
    const refused = await admin(path, {});
    expect([refused.status, await refused.json()]).toEqual([
      401,
      { code: 'http_unauthorized', error: expect.any(String), hint: expect.stringContaining('Bearer') },
    ]);
  }
  for (const ask of [http, adminPage]) expect((await ask('/')).headers.get('content-type')).toBe('text/html');
});

test('events are a stream that begins with the status', async () => {
  const { http, admin } = await listeners();
  for (const ask of [http, admin]) {
    const answer = await ask('/status/events');
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    const { value } = await reader.read();
    expect(new TextDecoder().decode(value)).toBe(`event: status\ndata: ${JSON.stringify(status)}\n\n`);
    await reader.cancel();
  }
  const head = await http('/status/events', { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
});

test('the 65th client that listens is told to come later', async () => {
  const { http } = await listeners();
  const open = await Promise.all(Array.from({ length: 64 }, () => http('/status/events')));
  const refused = await http('/status/events');
  expect([refused.status, await refused.json()]).toMatchObject([429, { code: 'too_many_watchers' }]);
  await Promise.all(open.map(({ body }) => body?.cancel()));
});

test.each(['/status/tables/db/unknown', '/status/tables/db/%ff', '/status/tables/db/a/b', '/statuses', '/status/'])(
  '%s is not found, as JSON',
  async (path) => {
    const { http, admin } = await listeners();
    for (const ask of [http, admin]) {
      const answer = await ask(path);
      const refusal = { code: expect.any(String), error: expect.any(String), hint: expect.any(String) };
      expect([answer.status, answer.headers.get('content-type'), await answer.json()]).toEqual([
        ...[404, 'application/json', refusal],
      ]);
    }
  },
);
