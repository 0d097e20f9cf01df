/** The HTTP listener for operators: every request carries the token, and nothing else is answered. */
import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { errnoOf, messageOf, SegmentdError } from '../lib/errors.ts';
import type { RunningServer } from './probes.ts';
import type { WaitQuery } from './wait.ts';
import { readWaitQuery, Waits } from './wait.ts';

export type TablesApiOptions = {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly token: string;
  /** Commands that may be asked of a table with POST. */
  readonly commands: readonly string[];
  /** Runs a command on `<database>/<table>`, or `status`; what it returns is the answer. Errors: SegmentdErrors. */
  run(command: string, table: string): Promise<object>;
  /** Resolves when a version of `<database>/<table>` is covered, the time is over or the signal fires. Errors: SegmentdErrors. */
  wait(table: string, query: WaitQuery, signal: AbortSignal): Promise<object>;
  /** All tables, for `GET /v1/tables`. */
  all(): object;
};

type Answer = { readonly status: number; readonly body: object };

const TABLE = /^\/v1\/tables\/([^/]+)\/([^/]+?)(?:\/([a-z]+))?$/;

function isAllowed(request: IncomingMessage, token: string): boolean {
  const given = Buffer.from(request.headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** GET /v1/tables · GET /v1/tables/<db>/<table> · GET /v1/tables/<db>/<table>/wait · POST /v1/tables/<db>/<table>/<command> */
async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { token, commands, run, all, wait }: TablesApiOptions,
  waits: Waits,
): Promise<Answer> {
  if (!isAllowed(request, token)) return { status: 401, body: { error: 'a bearer token is required' } };
  const [path = '/', query = ''] = (request.url ?? '/').split(/\?(.*)/s, 2);
  if (request.method === 'GET' && path === '/v1/tables') return { status: 200, body: all() };
  const match = TABLE.exec(path);
  if (!match) return { status: 404, body: { error: 'not found' } };
  const [, database = '', table = '', command] = match;
  const isRead = request.method === 'GET' && command === undefined;
  const isWait = request.method === 'GET' && command === 'wait';
  const isWrite = request.method === 'POST' && command !== undefined && commands.includes(command);
  if (!isRead && !isWait && !isWrite) return { status: 404, body: { error: 'not found' } };
  try {
    const address = `${decodeURIComponent(database)}/${decodeURIComponent(table)}`;
    if (!isWait) return { status: 200, body: await run(command ?? 'status', address) };
    const wanted = readWaitQuery(new URLSearchParams(query));
    return { status: 200, body: await waits.run(response, (signal) => wait(address, wanted, signal)) };
  } catch (error) {
    if (error instanceof SegmentdError) return refusal(error);
    if (error instanceof URIError) return { status: 400, body: { error: 'the path is not valid' } };
    throw error;
  }
}

/** What asking again would not change is the request's fault, or the table's. */
function refusal({ code, retry, message, hint }: SegmentdError): Answer {
  const status = code === 'too_many_waits' ? 429 : retry === 'never' ? 400 : 503;
  return { status, body: { code, error: message, hint } };
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  options: TablesApiOptions,
  waits: Waits,
): Promise<void> {
  const { status, body } = await answer(request, response, options, waits).catch((error: unknown) => ({
    status: 500,
    body: { code: 'internal', error: messageOf(error) },
  }));
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.end(text);
}

/** Listens on `host:port`. Errors: config_invalid when it cannot. */
export async function startTablesApi(options: TablesApiOptions): Promise<RunningServer> {
  const { host, port } = options;
  const waits = new Waits();
  const server = createServer((request, response) => void respond(request, response, options, waits));
  server.listen({ host, port });
  try {
    await once(server, 'listening');
  } catch (error) {
    const why = errnoOf(error) ?? messageOf(error);
    throw new SegmentdError('config_invalid', `cannot listen on admin.host ${host}, admin.port ${port}: ${why}`, {
      cause: error,
    });
  }
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    async close() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
