/** One HTTP listener: takes requests, writes whole responses, and drops its connections when it closes. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { ErrorCode } from '../lib/errors.ts';
import { errnoOf, messageOf, SegmentdError } from '../lib/errors.ts';

export type Answer = {
  readonly status: number;
  /** Media type of the body; default: plain text in UTF-8. */
  readonly type?: string;
  /** Beside those of every answer; names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The body, or what writes it for as long as the client listens. */
  readonly body: string | ((response: ServerResponse) => void);
};

export type Request = {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  /** For long requests: emits `close` when the client has disconnected. */
  readonly response: ServerResponse;
};

type ListenerOptions = {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** The section of the configuration that host and port are from, for the error. */
  readonly section: string;
  /** Answers one request. What it throws becomes `failed`'s answer. */
  answer(request: Request): Promise<Answer>;
  /** The answer when `answer` threw; status 500. */
  failed(error: unknown): Pick<Answer, 'type' | 'body'>;
};

export type RunningServer = {
  readonly port: number;
  /** Stops listening and drops open connections. Calling it again does nothing. */
  readonly close: () => Promise<void>;
};

/** Plain text, as probes and browsers show it. */
export const text = (status: number, body: string): Answer => ({ status, body: `${body}\n` });

/** One JSON value. */
export const json = (status: number, value: object): Answer => ({
  status,
  type: 'application/json',
  body: `${JSON.stringify(value)}\n`,
});

/** The error as JSON. One that a retry would not change is the request's fault, or the table's. */
export function refusal({ code, retry, message, hint }: SegmentdError): Answer {
  return json(STATUS_OF[code] ?? (retry === 'never' ? 400 : 503), { code, error: message, hint });
}

const STATUS_OF: Partial<Record<ErrorCode, number>> = {
  http_not_found: 404,
  http_unauthorized: 401,
  too_many_waits: 429,
  table_paused: 409,
  merging_off: 409,
  maintenance_off: 409,
  owner_elsewhere: 409,
  too_many_watchers: 429,
  event_table_not_found: 404,
  table_not_found: 404,
  table_not_known: 404,
  internal: 500,
};

/** There is no such path, or not with this method. */
export const notFound = ({ method, path }: Pick<Request, 'method' | 'path'>): Answer =>
  refusal(new SegmentdError('http_not_found', `there is no ${method} ${path.slice(0, SHOWN_CHARS)}`));

/** Of a path in an error. */
const SHOWN_CHARS = 200;

/** Listens on `host:port`. Errors: config_invalid when it cannot. */
export async function startListener(options: ListenerOptions): Promise<RunningServer> {
  const { host, port, section } = options;
  const server = createServer((request, response) => void respond(request, response, options));
  server.listen({ host, port });
  try {
    await once(server, 'listening');
  } catch (error) {
    const why = errnoOf(error) ?? messageOf(error);
    throw new SegmentdError(
      'config_invalid',
      `cannot listen on ${section}.host ${host}, ${section}.port ${port}: ${why}`,
      {
        cause: error,
      },
    );
  }
  const address = server.address();
  let closed: Promise<void> | undefined;
  const close = async () => {
    const done = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await done;
  };
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  { answer, failed }: ListenerOptions,
): Promise<void> {
  const [path = '/', query = ''] = (request.url ?? '/').split(/\?(.*)/s, 2);
  const { method = 'GET', headers } = request;
  const asked = { method, path, query: new URLSearchParams(query), headers, response };
  const {
    status,
    type,
    body,
    headers: more,
  }: Answer = await answer(asked).catch((error: unknown) => ({
    ...failed(error),
    status: 500,
  }));
  response.writeHead(status, {
    'content-type': type ?? 'text/plain; charset=utf-8',
    // The length that a 304 names would be that of what the client has.
    ...(typeof body === 'string' && status !== 304 && { 'content-length': Buffer.byteLength(body) }),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...more,
  });
  if (typeof body === 'string') response.end(method === 'HEAD' ? undefined : body);
  else body(response);
}
