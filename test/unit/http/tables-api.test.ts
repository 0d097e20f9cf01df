import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { RunningServer } from '../../../src/http/listener.ts';
import type { TablesApiOptions } from '../../../src/http/tables-api.ts';
import { startTablesApi } from '../../../src/http/tables-api.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';

const running: RunningServer[] = [];
afterEach(() => Promise.all(running.splice(0).map((server) => server.close())));

type Wait = TablesApiOptions['wait'];

async function start(wait: Wait, run: TablesApiOptions['run'] = async () => ({})) {
  const server = await startTablesApi({
    host: '127.0.0.1',
    port: 0,
    token: 'secret',
    commands: ['pause', 'resume', 'refresh', 'merge', 'optimize'],
    run,
    all: () => ({}),
    wait,
  });
  running.push(server);
  const ask = async (path: string, init: RequestInit = {}) => {
    const headers = { authorization: 'Bearer secret', ...init.headers };
    const answer = await fetch(`http://127.0.0.1:${server.port}/v1/tables/${path}`, { ...init, headers });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  return { server, ask };
}

/** On a busy machine a request takes its time. */
const PATIENCE = { timeout: 30_000 };

/** A wait that only its signal ends. */
const forEver: Wait = (_table, _query, signal) =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve({ covered: false })));

test('a wait gets the table, the version and the time', async () => {
  const { ask } = await start(async (table, query) => ({ table, ...query }));
  expect(await ask('db/my%20table/wait?version=12&timeout=1.5s')).toEqual({
    status: 200,
    body: { table: 'db/my table', version: 12, timeoutMs: 1_500 },
  });
  expect((await ask('db/t/wait?timeout=300s&version=1')).body).toMatchObject({ timeoutMs: 300_000 });
  expect((await ask('db/t/wait?version=1')).body).toMatchObject({ timeoutMs: 30_000 });
});

test.each([
  '',
  '?timeout=1s',
  '?version=',
  '?version=0',
  '?version=-1',
  '?version=1.5',
  '?version=1e3',
  '?version=9999999999999999',
  '?version=latest',
  '?version=1&version=2',
  '?version=1&timeout=30',
  '?version=1&timeout=',
  '?version=1&timeout=301s',
  '?version=1&timeout=-1s',
  '?version=1&timout=1s',
])('%j is refused with a code and a hint', async (query) => {
  const { ask } = await start(() => Promise.reject(new Error('asked')));
  expect(await ask(`db/t/wait${query}`)).toEqual({
    status: 400,
    body: { code: 'wait_invalid', error: expect.any(String), hint: expect.stringContaining('version=N') },
  });
});

test('a wait needs the token, is a GET, and errors keep their code', async () => {
  const { ask } = await start((table) =>
    Promise.reject(new SegmentdError(table === 'db/away' ? 'store_unavailable' : 'table_not_found', 'no')),
  );
  expect((await ask('db/t/wait?version=1', { headers: { authorization: 'Bearer wrong!' } })).status).toBe(401);
  expect((await ask('db/t/wait?version=1', { method: 'POST' })).status).toBe(404);
  expect(await ask('db/t/wait?version=1')).toMatchObject({ status: 404, body: { code: 'table_not_found' } });
  expect(await ask('db/away/wait?version=1')).toMatchObject({ status: 503, body: { code: 'store_unavailable' } });
});

test('a client that leaves ends its wait, and no other', async () => {
  const begun: string[] = [];
  const ended: string[] = [];
  const { ask } = await start(async (table, query, signal) => {
    begun.push(table);
    const answer = await forEver(table, query, signal);
    ended.push(table);
    return answer;
  });
  const leaving = new AbortController();
  const left = ask('db/left/wait?version=1', { signal: leaving.signal }).catch(() => 'left');
  const stays = ask('db/stays/wait?version=1').catch(() => 'cut off');
  await expect.poll(() => begun, PATIENCE).toHaveLength(2);
  leaving.abort();
  expect(await left).toBe('left');
  await expect.poll(() => ended, PATIENCE).toEqual(['db/left']);
  expect(await Promise.race([stays, sleep(100, 'waits')])).toBe('waits');
});

test('closing the server ends the waits', async () => {
  let [begun, ended] = [0, 0];
  const { server, ask } = await start(async (...args) => {
    begun += 1;
    const answer = await forEver(...args);
    ended += 1;
    return answer;
  });
  const waits = [1, 2, 3].map((version) => ask(`db/t/wait?version=${version}`).catch(() => 'cut off'));
  await expect.poll(() => begun, PATIENCE).toBe(3);
  await server.close();
  expect(await Promise.all(waits)).toEqual(['cut off', 'cut off', 'cut off']);
  await expect.poll(() => ended, PATIENCE).toBe(3);
});

test('there are at most 256 waits at once, and slots become free again', async () => {
  const ends: (() => void)[] = [];
  const { ask } = await start(() => new Promise((resolve) => ends.push(() => resolve({ covered: true }))));
  const waits = Array.from({ length: 256 }, () => ask('db/t/wait?version=1'));
  await expect.poll(() => ends.length, PATIENCE).toBe(256);
  expect(await ask('db/t/wait?version=1')).toMatchObject({ status: 429, body: { code: 'too_many_waits' } });
  for (const end of ends.splice(0)) end();
  expect((await Promise.all(waits)).every(({ status }) => status === 200)).toBe(true);
  const next = ask('db/t/wait?version=1');
  await expect.poll(() => ends.length, PATIENCE).toBe(1);
  ends[0]?.();
  expect((await next).status).toBe(200);
});

test('a command answers when it is done; a bug in it is an answer too, and the end of nothing', async () => {
  const refused = new SegmentdError('broker_unavailable', 'no');
  const { ask } = await start(forEver, async (command, table) => {
    if (table === 'db/away') throw refused;
    if (table === 'db/bug') throw new TypeError('a bug');
    return { command, table };
  });
  const pause = (table: string) => ask(`db/${table}/pause`, { method: 'POST' });
  expect(await pause('t')).toEqual({ status: 200, body: { command: 'pause', table: 'db/t' } });
  expect(await pause('away')).toMatchObject({ status: 503, body: { code: 'broker_unavailable' } });
  expect(await pause('bug')).toEqual({
    status: 500,
    body: { code: 'internal', error: 'a bug', hint: expect.any(String) },
  });
  expect((await pause('t')).status).toBe(200);
});

test('a command gets its parameters; one that the state of the table forbids is a conflict', async () => {
  const { ask } = await start(forEver, async (command, table, { force, to }) => {
    if (table === 'db/paused') throw new SegmentdError('table_paused', 'it is paused');
    return { command, table, force, to };
  });
  const merge = (rest: string) => ask(`db/${rest}`, { method: 'POST' });
  expect((await merge('t/merge?to=3')).body).toEqual({ command: 'merge', table: 'db/t', force: false, to: '3' });
  expect((await merge('t/merge')).body).toMatchObject({ to: null });
  expect(await merge('paused/merge')).toEqual({
    status: 409,
    body: { code: 'table_paused', error: 'it is paused', hint: 'Resume the table first.' },
  });
});

test.each([
  'pause?to=1',
  'pause?Force=true',
  'pause?force=yes',
  'pause?force=true&force=true',
  'resume?by=me',
  'merge?TO=1',
  'merge?force=true',
  'merge?to=1&to=2',
  'optimize?to=1',
  'refresh?force=true',
  'refresh?constructor=1',
])('%s has a parameter that the command does not take', async (asked) => {
  const { ask } = await start(forEver, () => Promise.reject(new Error('run')));
  const refused = { code: 'command_invalid', error: expect.any(String), hint: expect.any(String) };
  expect(await ask(`db/t/${asked}`, { method: 'POST' })).toEqual({ status: 400, body: refused });
});

test('force is for pause and resume, and the state of a table takes nothing', async () => {
  const { ask } = await start(forEver, async (command, _table, { force }) => ({ command, force }));
  for (const command of ['pause', 'resume']) {
    expect((await ask(`db/t/${command}?force=true`, { method: 'POST' })).body).toEqual({ command, force: true });
  }
  expect((await ask('db/t/pause?force=false', { method: 'POST' })).body).toMatchObject({ force: false });
  expect(await ask('db/t?version=1')).toMatchObject({ status: 400, body: { code: 'command_invalid' } });
});

test('HEAD is answered as GET is, without the body', async () => {
  const { server } = await start(async () => ({ covered: true }));
  const ask = async (method: string, path: string, headers: Record<string, string>) => {
    const answer = await fetch(`http://127.0.0.1:${server.port}/v1/${path}`, { method, headers });
    return { status: answer.status, length: answer.headers.get('content-length'), body: await answer.text() };
  };
  for (const headers of [{ authorization: 'Bearer secret' }, {}]) {
    for (const path of ['tables', 'tables/db/t', 'tables/db/t/wait?version=1', 'tables/db/t/wait', 'status', 'none']) {
      const { body, ...get } = await ask('GET', path, headers as Record<string, string>);
      // Both name the method.
      if (get.status === 404) continue;
      expect(await ask('HEAD', path, headers as Record<string, string>), path).toEqual({ ...get, body: '' });
      expect(body).not.toBe('');
    }
  }
  const { status } = await ask('HEAD', 'tables/db/t/pause', { authorization: 'Bearer secret' });
  expect(status).toBe(404);
});
