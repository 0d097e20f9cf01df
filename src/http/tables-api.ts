/** The HTTP listener for operators: every request carries the token, and nothing else is answered. */
import { timingSafeEqual } from 'node:crypto';
import type { ErrorCode } from '../lib/errors.ts';
import { messageOf, SegmentdError } from '../lib/errors.ts';
import type { Answer, Request, RunningServer } from './listener.ts';
import { json, startListener } from './listener.ts';
import type { WaitQuery } from './wait-requests.ts';
import { readWaitQuery, Waits } from './wait-requests.ts';

/** `force`: the table need not exist yet. `by`: the client, by the address of its connection. `to`: as it stands in the query, or null. */
export type CommandRequest = { readonly force: boolean; readonly by: string; readonly to: string | null };

export type TablesApiOptions = {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly token: string;
  /** Commands that may be asked of a table with POST. */
  readonly commands: readonly string[];
  /** Runs a command on `<database>/<table>`, or `status`; what it returns is the answer. Errors: SegmentdErrors. */
  run(command: string, table: string, request: CommandRequest): Promise<object>;
  /** Resolves when a version of `<database>/<table>` is covered, the time is over or the signal fires. Errors: SegmentdErrors. */
  wait(table: string, query: WaitQuery, signal: AbortSignal): Promise<object>;
  /** All tables, for `GET /v1/tables`. */
  all(): object;
};

const TABLE = /^\/v1\/tables\/([^/]+)\/([^/]+?)(?:\/([a-z]+))?$/;

function isAllowed({ headers }: Request, token: string): boolean {
  const given = Buffer.from(headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** GET /v1/tables · GET /v1/tables/<db>/<table> · GET /v1/tables/<db>/<table>/wait · POST /v1/tables/<db>/<table>/<command> */
async function answer(
  request: Request,
  { token, commands, run, all, wait }: TablesApiOptions,
  waits: Waits,
): Promise<Answer> {
  const { method, path, query, response } = request;
  if (!isAllowed(request, token)) return json(401, { error: 'a bearer token is required' });
  if (method === 'GET' && path === '/v1/tables') return json(200, all());
  const match = TABLE.exec(path);
  if (!match) return json(404, { error: 'not found' });
  const [, database = '', table = '', command] = match;
  const isRead = method === 'GET' && command === undefined;
  const isWait = method === 'GET' && command === 'wait';
  const isWrite = method === 'POST' && command !== undefined && commands.includes(command);
  if (!isRead && !isWait && !isWrite) return json(404, { error: 'not found' });
  try {
    const address = `${decodeURIComponent(database)}/${decodeURIComponent(table)}`;
    if (!isWait) return json(200, await run(command ?? 'status', address, commandRequest(request)));
    const wanted = readWaitQuery(query);
    return json(200, await waits.run(response, (signal) => wait(address, wanted, signal)));
  } catch (error) {
    if (error instanceof SegmentdError) return refusal(error);
    if (error instanceof URIError) return json(400, { error: 'the path is not valid' });
    throw error;
  }
}

/** `?force=true`: also for a table that is not there yet. */
function commandRequest({ query, response }: Request): CommandRequest {
  const by = `http ${response.socket?.remoteAddress ?? ''}`.trim();
  return { force: query.get('force') === 'true', by, to: query.get('to') };
}

/** An error that a retry would not change is the request's fault, or the table's. */
function refusal({ code, retry, message, hint }: SegmentdError): Answer {
  return json(STATUS_OF[code] ?? (retry === 'never' ? 400 : 503), { code, error: message, hint });
}

const STATUS_OF: Partial<Record<ErrorCode, number>> = {
  too_many_waits: 429,
  event_table_not_found: 404,
  table_not_found: 404,
  table_paused: 409,
  merging_off: 409,
  maintenance_off: 409,
  owner_elsewhere: 409,
};

/** Listens on `host:port`. Errors: config_invalid when it cannot. */
export async function startTablesApi(options: TablesApiOptions): Promise<RunningServer> {
  const waits = new Waits();
  return startListener({
    ...options,
    section: 'admin',
    answer: (request) => answer(request, options, waits),
    failed: (error) => json(500, { code: 'internal', error: messageOf(error) }),
  });
}
