/** The listeners of a daemon, from outside: what they ask for, how they are reached, and what no request brings about. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:http';
import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { connect as connectSocket, createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect, Index } from '@lancedb/lancedb';
import { expect, onTestFinished, test, vi } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { COMMANDS } from '../../../src/control/commands.ts';
import { startDaemon } from '../../../src/daemon/daemon.ts';
import { segmentd } from '../../../testing/cli.ts';
import { freePorts } from '../../../testing/free-ports.ts';
import { LONG } from '../../../testing/long.ts';
import { people } from '../../../testing/people.ts';
import { seeded } from '../../../testing/seeded.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

const TOKEN = 'letmein-0123456789';
const SECRET_FILE = 'not for everybody';

type Options = Readonly<Record<string, string>>;

/** A daemon without Kafka and with one table, in this process. `env` goes over its options. */
async function startGuarded(env: Options = {}) {
  const home = await tempDir();
  const database = join(home, 'db');
  await mkdir(database);
  await writeFile(join(home, 'secret.txt'), SECRET_FILE);
  const connection = await connect(database);
  const table = await connection.createTable('people', people(0, 10));
  await table.createIndex('id', { config: Index.btree() });
  connection.close();
  const [adminPort] = await freePorts();
  const log: string[] = [];
  const config = loadConfig({
    cwd: home,
    env: {
      ...{ SEGMENTD_DATABASES: '{db: ./db}', SEGMENTD_STATE_SCRATCH_DIR: './scratch', SEGMENTD_HTTP_PORT: '0' },
      ...{
        SEGMENTD_ADMIN_TOKEN: TOKEN,
        ...('SEGMENTD_ADMIN_SOCKET' in env ? {} : { SEGMENTD_ADMIN_PORT: String(adminPort) }),
        SEGMENTD_ADMIN_REQUESTS_PER_S: '100000',
      },
      ...env,
    },
  });
  const daemon = await startDaemon(config, { log: (line) => log.push(line) });
  const stop = async () => {
    daemon.stop('now');
    await daemon.finished;
  };
  onTestFinished(stop);
  const url = `http://127.0.0.1:${daemon.port}`;
  await vi.waitFor(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200), { timeout: 20_000 });
  const eventLines = () => log.map((line) => JSON.parse(line) as { event?: string; message?: string; msg?: string });
  return { home, url, port: daemon.port, adminPort, log, eventLines, stop };
}

type Reply = { readonly status: number; readonly headers: Record<string, unknown>; readonly body: string };

/** One request as it is given, unlike `fetch`, which puts paths right. A stream is left after its headers. */
function ask(options: RequestOptions, body?: string | Buffer, make = plainRequest): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = make({ agent: false, timeout: 10_000, ...options }, (response) => {
      let text = '';
      const done = () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
      if (response.headers['content-type'] === 'text/event-stream') {
        done();
        sent.destroy();
        return;
      }
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      response.once('end', done).once('error', reject);
    });
    sent.once('timeout', () => sent.destroy(new Error('no answer')));
    sent.once('error', reject);
    sent.end(body);
  });
}

const bearer = { authorization: `Bearer ${TOKEN}` };
const TABLE_PATHS = ['/tables/db/people', '/status/tables/db/people', '/status/tables/db/none'];
const HTTP_PATHS = [
  ...['/', '/metrics', '/healthz', '/readyz', '/startupz', '/status', '/status/events', ...TABLE_PATHS],
  ...['/assets/page.js', '/assets/page.css', '/docs/errors.md', '/none'],
];
const ADMIN_PATHS = [
  ...['/', '/assets/page.js', '/none', '/v1/status', '/v1/status/events', '/v1/status/tables/db/people', '/v1/tables'],
  ...['/v1/tables/db/people', '/v1/tables/db/people/wait?version=1&timeout=1s', '/v1/tables/db/none', '/v1/none'],
];

test('every answer of every route carries the headers that keep it from being kept, guessed at, framed or read by others', async () => {
  const { port, adminPort } = await startGuarded();
  const routes = [
    ...HTTP_PATHS.map((path) => ({ port, path, method: 'GET' })),
    ...ADMIN_PATHS.map((path) => ({ port: adminPort, path, method: 'GET' })),
    ...COMMANDS.map((command) => ({ port: adminPort, path: `/v1/tables/db/people/${command}`, method: 'POST' })),
  ];
  const answers = await Promise.all(
    routes.flatMap((route) => [
      ask({ ...route, headers: bearer }).then((reply) => ({ route, reply })),
      ask(route).then((reply) => ({ route, reply })),
    ]),
  );
  for (const { route, reply } of answers) {
    const { headers } = reply;
    expect({ route, headers }).toMatchObject({
      headers: {
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
        'cache-control': expect.stringMatching(/^no-(store|cache)$/),
        'content-security-policy': expect.stringMatching(/^default-src 'none';.*frame-ancestors 'none'/),
      },
    });
    expect(headers, route.path).not.toHaveProperty('access-control-allow-origin');
    expect(headers, route.path).not.toHaveProperty('server');
    if (reply.status === 401) expect(headers['www-authenticate']).toBe('Bearer');
  }
  const refused = answers.filter(({ reply }) => reply.status === 401).map(({ route }) => route.path);
  expect(new Set(refused).size).toBe(ADMIN_PATHS.length - 2 + COMMANDS.length);
});

test('the status asks for the token where it is not anonymous, and so does its page; the page can be left out', async () => {
  const { port, adminPort, url } = await startGuarded({ SEGMENTD_HTTP_ANONYMOUS: 'false' });
  // It is ready before it has read the table.
  const known = () => ask({ port, path: '/status/tables/db/people', headers: bearer });
  await vi.waitFor(async () => expect((await known()).status).toBe(200), { timeout: 20_000 });
  for (const path of ['/status', '/status/events', '/status/tables/db/people', '/status/tables/db/none']) {
    expect([path, (await ask({ port, path })).status]).toEqual([path, 401]);
    expect((await ask({ port, path, headers: bearer })).status).toBe(path.endsWith('none') ? 404 : 200);
  }
  for (const path of ['/metrics', '/healthz', '/readyz', '/startupz'])
    expect((await ask({ port, path })).status).toBe(200);
  const stranger = await segmentd(['status', '--daemon', url]);
  expect(stranger).toMatchObject({ code: 77, stdout: '', stderr: expect.stringContaining('with --token-file, or in') });
  for (const listener of [url, `http://127.0.0.1:${adminPort}`]) {
    const shown = await segmentd(['status', '--daemon', listener], { SEGMENTD_ADMIN_TOKEN: TOKEN });
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining('db/people') });
  }
  expect((await ask({ port, path: '/' })).body).toContain('content="locked"');
  expect((await ask({ port: adminPort, path: '/' })).body).toContain('content="admin"');
  expect(url).toContain(String(port));
});

test('without the page neither listener serves one, and metrics can name no table', async () => {
  const { port, adminPort } = await startGuarded({ SEGMENTD_HTTP_PAGE: 'false', SEGMENTD_METRICS_MAX_TABLES: '0' });
  for (const path of ['/', '/tables/db/people', '/assets/page.js', '/docs/errors.md']) {
    expect((await ask({ port, path })).status).toBe(404);
    expect((await ask({ port: adminPort, path, headers: bearer })).status).toBe(404);
  }
  await vi.waitFor(async () => {
    const { body } = await ask({ port, path: '/metrics' });
    expect(body).toMatch(/^segmentd_coverage_ratio\{table="other".*\} 1$/m);
    expect(body).not.toContain('people');
  });
});

/** `segmentd pause` and `resume` with the configuration of the daemon. */
async function commandsReach(admin: Options): Promise<void> {
  const env = { SEGMENTD_DATABASES: '{db: /db}', SEGMENTD_ADMIN_TOKEN: TOKEN, ...admin };
  for (const [command, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const) {
    const { code, stdout, stderr } = await segmentd([command, 'db/people', '--json'], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ via: 'listener', paused });
  }
}

/** The same, with the daemon named on the command line, and `status` and `top` of it. */
async function namedDaemonAnswers(args: readonly string[]): Promise<void> {
  const env = { SEGMENTD_ADMIN_TOKEN: TOKEN, SEGMENTD_CONFIG: '' };
  for (const command of [['refresh', 'db/people'], ['status'], ['top']]) {
    const { code, stdout, stderr } = await segmentd([...command, ...args, '--json'], env);
    expect([command, code, stderr]).toEqual([command, 0, '']);
    expect(stdout).toContain('db/people');
  }
}

const openssl = (cwd: string, name: string) =>
  promisify(execFile)(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', 'new.key', '-out', 'new.pem'],
    ],
    { cwd },
  );

test('operators are spoken to over TLS, with the certificate that lies there now', async () => {
  const folder = await tempDir();
  const renew = async (name: string) => {
    await openssl(folder, name);
    for (const kind of ['key', 'pem'])
      await writeFile(join(folder, `tls.${kind}`), await readFile(join(folder, `new.${kind}`)));
    return readFile(join(folder, 'tls.pem'), 'utf8');
  };
  const first = await renew('first');
  const { adminPort, port, log, stop } = await startGuarded({
    SEGMENTD_ADMIN_CERT_FILE: join(folder, 'tls.pem'),
    SEGMENTD_ADMIN_KEY_FILE: join(folder, 'tls.key'),
  });
  const tables = (ca: string) =>
    ask(
      { port: adminPort, host: '127.0.0.1', path: '/v1/tables', headers: bearer, ca } as RequestOptions,
      undefined,
      tlsRequest,
    );
  expect((await tables(first)).status).toBe(200);
  await commandsReach({
    SEGMENTD_ADMIN_PORT: String(adminPort),
    SEGMENTD_ADMIN_CERT_FILE: join(folder, 'tls.pem'),
    SEGMENTD_ADMIN_KEY_FILE: join(folder, 'tls.key'),
  });
  const named = ['--daemon', `https://127.0.0.1:${adminPort}`];
  await namedDaemonAnswers([...named, '--ca-file', join(folder, 'tls.pem')]);
  for (const command of [['refresh', 'db/people'], ['status'], ['top']]) {
    const untrusted = await segmentd([...command, ...named], { SEGMENTD_ADMIN_TOKEN: TOKEN });
    expect(untrusted).toMatchObject({ code: 69, stderr: expect.stringMatching(/--ca-file or in NODE_EXTRA_CA_CERTS/) });
  }
  expect(JSON.parse((await ask({ port, path: '/status' })).body)).toMatchObject({
    admin_url: `https://127.0.0.1:${adminPort}`,
  });
  await expect(ask({ port: adminPort, path: '/v1/tables', headers: bearer })).rejects.toThrow();
  // Half of a renewal, or rubbish, changes nothing.
  await writeFile(join(folder, 'tls.key'), 'no key');
  await vi.waitFor(() => expect(log.join('\n')).toContain('admin.cert_file and admin.key_file cannot be used'), {
    timeout: 30_000,
  });
  expect((await tables(first)).status).toBe(200);
  const second = await renew('second');
  await vi.waitFor(async () => expect((await tables(second)).status).toBe(200), { timeout: 30_000, interval: 500 });
  await expect(tables(first)).rejects.toThrow(/self-signed|certificate/);
  const told = log.map((line) => JSON.parse(line)).filter(({ msg }) => msg?.includes('admin.cert_file'));
  expect(told).toMatchObject([
    { level: 'warn', component: 'http' },
    { level: 'info', component: 'http', valid_to: expect.stringMatching(/^\d{4}-.*Z$/) },
  ]);
  // A client that never says hello holds up no stop.
  const mute = connectSocket(adminPort, '127.0.0.1');
  onTestFinished(() => void mute.destroy());
  await once(mute, 'connect');
  const before = performance.now();
  await stop();
  // Sooner than Node gives up on such a client.
  expect(performance.now() - before).toBeLessThan(60_000);
});

test('a certificate that cannot be used stops the start', async () => {
  const folder = await tempDir();
  await openssl(folder, 'one');
  const key = await readFile(join(folder, 'new.key'));
  await openssl(folder, 'two');
  await writeFile(join(folder, 'new.key'), key);
  const options = {
    SEGMENTD_ADMIN_CERT_FILE: join(folder, 'new.pem'),
    SEGMENTD_ADMIN_KEY_FILE: join(folder, 'new.key'),
  };
  await expect(startGuarded(options)).rejects.toThrow(/admin\.key_file: .*is not the key of/);
  await expect(startGuarded({ ...options, SEGMENTD_ADMIN_KEY_FILE: join(folder, 'none') })).rejects.toThrow(
    /admin\.key_file/,
  );
});

test.each([
  ['owner', 0o600],
  ['group', 0o660],
])(
  'operators can be at a Unix socket, for its %s alone; one that was left behind is not in the way',
  async (access, mode) => {
    const folder = await tempDir();
    const socketPath = join(folder, 'admin.sock');
    // What a process leaves that was killed: a socket with nobody behind it.
    const script = `require('net').createServer().listen(${JSON.stringify(socketPath)}, () => process.kill(process.pid, 'SIGKILL'))`;
    await promisify(execFile)(process.execPath, ['-e', script]).catch(() => undefined);
    expect(existsSync(socketPath)).toBe(true);
    const { port, stop } = await startGuarded({
      SEGMENTD_ADMIN_SOCKET: socketPath,
      SEGMENTD_ADMIN_SOCKET_ACCESS: access,
    });
    expect(statSync(socketPath).mode & 0o777).toBe(mode);
    expect((await ask({ socketPath, path: '/v1/tables' })).status).toBe(401);
    const paused = await ask({ socketPath, path: '/v1/tables/db/people/pause', method: 'POST', headers: bearer });
    expect(JSON.parse(paused.body)).toMatchObject({ paused: true });
    await commandsReach({ SEGMENTD_ADMIN_SOCKET: socketPath });
    await namedDaemonAnswers(['--daemon', `unix:${socketPath}`]);
    expect(JSON.parse((await ask({ port, path: '/status' })).body)).toMatchObject({ admin_url: `unix:${socketPath}` });
    await stop();
    expect(existsSync(socketPath)).toBe(false);
  },
);

test('a socket of another process, or a file, is left alone', async () => {
  const folder = await tempDir();
  const [taken, file] = [join(folder, 'taken.sock'), join(folder, 'file')];
  const other = createServer().listen(taken);
  await once(other, 'listening');
  onTestFinished(() => void other.close());
  await writeFile(file, 'mine');
  for (const [path, problem] of [
    [taken, /admin\.socket.*EADDRINUSE/],
    [file, /admin\.socket.* is there and no socket/],
  ] as const) {
    await expect(startGuarded({ SEGMENTD_ADMIN_SOCKET: path })).rejects.toThrow(problem);
  }
  expect(await readFile(file, 'utf8')).toBe('mine');
  const client = connectSocket({ path: taken });
  await once(client, 'connect');
  client.destroy();
});

/** Parts that a path, a query or a header is put together from: what is valid, and what has broken servers. */
const PIECES = [
  ...[
    '/',
    '//',
    'v1',
    'tables',
    'status',
    'events',
    'db',
    'people',
    'none',
    'wait',
    'pause',
    'assets',
    'docs',
    'page.js',
  ],
  ...[
    '..',
    '../..',
    '%2e%2e',
    '%2E%2E%2F',
    '..%2f',
    '%5c..',
    '....//',
    '%00',
    '%0d%0a',
    '%',
    '%zz',
    '%c0%ae',
    '%ff%fe',
    '%25',
  ],
  ...[
    'secret.txt',
    'etc/passwd',
    '__proto__',
    'constructor',
    'toString',
    '$',
    'ns$people',
    '%24',
    '%F0%9F%92%A9',
    '?',
    '#',
    '&',
  ],
  ...[
    'version=1',
    'version=-1',
    'timeout=1ms',
    'timeout=1e9s',
    'force=true',
    '=',
    ';',
    ':',
    '@',
    '*',
    '~',
    '{}',
    '[0]',
    "'",
    '"',
  ],
  'a'.repeat(300),
];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'];
const HEADERS: readonly Readonly<Record<string, string>>[] = [
  {},
  bearer,
  { authorization: 'Bearer ' },
  { authorization: `Bearer ${'x'.repeat(4_000)}` },
  { authorization: 'Basic Zm9v' },
  { 'if-none-match': '"' },
  { 'if-none-match': `${'W/"x",'.repeat(500)}` },
  { expect: '100-continue' },
  { upgrade: 'websocket', connection: 'upgrade' },
  { accept: 'text/event-stream', range: 'bytes=0-9999999999' },
  { host: '../../..', 'x-forwarded-for': '127.0.0.1\t', cookie: 'a=b' },
  { 'content-type': 'application/json', 'x-http-method-override': 'DELETE' },
];
const FUZZ_RUNS = LONG ? 20_000 : 1_500;
/** Requests under way at once. */
const AT_ONCE = 16;

test('no request of any shape brings about a 500, a crash, a hang, or a file from outside', async () => {
  const { port, adminPort, url, log } = await startGuarded();
  const random = seeded(16);
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  const pathOf = () => {
    const base = random() < 0.5 ? pick([...HTTP_PATHS, ...ADMIN_PATHS]) : '';
    const more = Array.from({ length: Math.floor(random() * 6) }, () => `${random() < 0.6 ? '/' : ''}${pick(PIECES)}`);
    const path = `${base}${more.join('')}`;
    return path.startsWith('/') || random() < 0.05 ? path || '/' : `/${path}`;
  };
  const one = async () => {
    const sent = { port: pick([port, adminPort]), method: pick(METHODS), path: pathOf(), headers: pick(HEADERS) };
    const body =
      random() < 0.2 && sent.method !== 'TRACE' ? Buffer.alloc(Math.floor(random() * 80_000), 'x') : undefined;
    const reply = await ask(sent, body).catch((error: NodeJS.ErrnoException) => {
      // A connection that is closed on purpose: a body that is too long, or what is no HTTP.
      expect({ sent, code: error.code ?? error.message }).toMatchObject({
        code: expect.stringMatching(/^(ECONNRESET|EPIPE|HPE_.*|ERR_UNESCAPED_CHARACTERS|socket hang up)$/),
      });
      return undefined;
    });
    if (!reply) return;
    expect({ sent, status: reply.status }).not.toMatchObject({ status: 500 });
    expect([200, 304, 400, 401, 404, 413, 417, 421, 429, 431, 503], JSON.stringify(sent)).toContain(reply.status);
    expect(reply.body, sent.path).not.toContain(SECRET_FILE);
    expect(reply.body, sent.path).not.toContain('root:x:0');
    expect(reply.body, sent.path).not.toContain(TOKEN);
    const needsToken = sent.port === adminPort && sent.path.startsWith('/v1') && reply.status === 200;
    if (needsToken) expect(sent.headers).toEqual(bearer);
  };
  for (let run = 0; run < FUZZ_RUNS; run += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, one));
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect((await ask({ port: adminPort, path: '/v1/tables', headers: bearer })).status).toBe(200);
  expect(log.filter((line) => /"(internal|fatal)"/.test(line))).toEqual([]);
});
