/** The HTTP listener for operators: every request carries the token, and nothing else is answered. */
import { messageOf, SegmentdError } from '../lib/errors.ts';
import type { Answer } from './answer.ts';
import { json, notFound, refusal } from './answer.ts';
import { carriesToken } from './bearer-token.ts';
import type { ListenerOptions, Request, RunningServer } from './listener.ts';
import { startListener } from './listener.ts';
import type { Pages } from './pages.ts';
import type { StatusRoutes } from './status-routes.ts';
import type { WaitQuery } from './wait-requests.ts';
import { readWaitQuery, Waits } from './wait-requests.ts';

/** `force`: the table need not exist yet. `by`: the client, by the address of its connection. `to`: as it stands in the query, or null. */
export type CommandRequest = { readonly force: boolean; readonly by: string; readonly to: string | null };

export type TablesApiOptions = Omit<ListenerOptions, 'section' | 'answer' | 'failed'> & {
  /** Read for each request, since it may be rotated. Not empty. */
  readonly token: string;
  /** Commands that may be asked of a table with POST. */
  readonly commands: readonly string[];
  /** Runs a command on `<database>/<table>`, or `status`; what it returns is the answer. Errors: SegmentdErrors. */
  run(command: string, table: string, request: CommandRequest): Promise<object>;
  /** Resolves when a version of `<database>/<table>` is covered, the time is over or the signal fires. Errors: SegmentdErrors. */
  wait(table: string, query: WaitQuery, signal: AbortSignal): Promise<object>;
  /** All tables, for `GET /v1/tables`. */
  all(): object;
  /** What lies below `/v1`. */
  readonly status?: StatusRoutes;
  /** The answer to a path of the page, which needs no token since it holds nothing secret; undefined for others. */
  readonly pages?: Pages | undefined;
};

const TABLE = /^\/v1\/tables\/([^/]+)\/([^/]+?)(?:\/([a-z]+))?$/;

/** HEAD is answered as GET is. GET /v1/status… · GET /v1/tables · GET /v1/tables/<db>/<table> · GET /v1/tables/<db>/<table>/wait · POST /v1/tables/<db>/<table>/<command> */
async function answer(
  request: Request,
  { token, commands, run, all, wait, status, pages }: TablesApiOptions,
  waits: Waits,
): Promise<Answer> {
  const { method, path, query, response } = request;
  const isGet = method === 'GET' || method === 'HEAD';
  const page = isGet ? pages?.(path, request.headers) : undefined;
  if (page) return page;
  if (!carriesToken(request.headers, token))
    return refusal(new SegmentdError('http_unauthorized', 'a bearer token is required'));
  if (isGet && path === '/v1/tables') return json(200, all());
  const told = isGet && path.startsWith('/v1/') ? status?.(path.slice('/v1'.length), request) : undefined;
  if (told) return told;
  const match = TABLE.exec(path);
  if (!match) return notFound(request);
  const [, database = '', table = '', command] = match;
  const isRead = isGet && command === undefined;
  const isWait = isGet && command === 'wait';
  const isWrite = method === 'POST' && command !== undefined && commands.includes(command);
  if (!isRead && !isWait && !isWrite) return notFound(request);
  try {
    const address = `${decodeURIComponent(database)}/${decodeURIComponent(table)}`;
    if (!isWait)
      return json(200, await run(command ?? 'status', address, commandRequest(command ?? 'status', request)));
    const wanted = readWaitQuery(query);
    return json(200, await waits.run(response, (signal) => wait(address, wanted, signal)));
  } catch (error) {
    if (error instanceof SegmentdError) return refusal(error);
    if (error instanceof URIError) {
      return refusal(new SegmentdError('event_table_invalid', 'the table in the path is not percent-encoded UTF-8'));
    }
    throw error;
  }
}

/** The parameters that commands take. */
export const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  pause: ['force'],
  resume: ['force'],
  merge: ['to'],
};

/** `?force=true`: also for a table that is not there yet. Errors: command_invalid. */
function commandRequest(command: string, { query, response }: Request): CommandRequest {
  for (const name of query.keys()) {
    const isTaken = PARAMETERS[command]?.includes(name);
    // The name is not repeated: it may be anything.
    if (!isTaken) throw new SegmentdError('command_invalid', `${command} ${takes(command)}`);
    if (query.getAll(name).length > 1) throw new SegmentdError('command_invalid', `${name} is given more than once`);
  }
  const force = query.get('force');
  if (!['true', 'false', null].includes(force)) throw new SegmentdError('command_invalid', 'force is true or false');
  const by = `http ${response.socket?.remoteAddress ?? ''}`.trim();
  return { force: force === 'true', by, to: query.get('to') };
}

function takes(command: string): string {
  const names = PARAMETERS[command] ?? [];
  return names.length > 0 ? `takes no other parameter than ${names.join(', ')}` : 'takes no parameter';
}

/** Listens on `host:port`. Errors: config_invalid when it cannot. */
export async function startTablesApi(options: TablesApiOptions): Promise<RunningServer> {
  const waits = new Waits();
  const { host, port, socket, tls } = options;
  return startListener({
    ...{ host, port, socket, tls, section: 'admin' },
    get requestsPerSecond() {
      return options.requestsPerSecond;
    },
    answer: (request) => answer(request, options, waits),
    failed: (error) => refusal(new SegmentdError('internal', messageOf(error))),
  });
}
