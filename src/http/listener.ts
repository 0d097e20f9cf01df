/** One HTTP listener: takes requests, writes whole responses, and drops its connections when it closes. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { SegmentdError } from '../lib/errors.ts';
import type { Answer } from './answer.ts';
import { refusal, SECURITY_HEADERS } from './answer.ts';
import { isLoopback, isMeantForUs } from './host-names.ts';
import type { Address } from './listen.ts';
import { listenOn } from './listen.ts';
import { boundedBody } from './request-body.ts';
import { RequestRate } from './request-rate.ts';
import type { TlsFiles } from './tls-files.ts';
import { watchTlsFiles } from './tls-files.ts';

export type Request = {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  /** For long requests: emits `close` when the client has disconnected. */
  readonly response: ServerResponse;
};

type Limits = Readonly<Record<'headersTimeout' | 'requestTimeout' | 'connectionsCheckingInterval', number>>;

export type ListenerOptions = Address & {
  /** Speaks TLS with these. */
  readonly tls?: TlsFiles | undefined;
  /** Requests that one address may make in a second, read for each of them; as many as it likes unless given. */
  readonly requestsPerSecond?: number | undefined;
  /** Names in `Host` beside those of this machine, of a listener at a loopback address that answers without a token; all unless given. */
  readonly names?: readonly string[] | undefined;
  /** For tests, milliseconds: what a client may take for its headers and for all of a request, and how late that is seen. */
  readonly limits?: Limits;
  /** Answers one request. What it throws becomes `failed`'s answer. */
  answer(request: Request): Promise<Answer>;
  /** The answer when `answer` threw; status 500. */
  failed(error: unknown): Pick<Answer, 'type' | 'body'>;
};

export type RunningServer = {
  /** 0 of a Unix socket. */
  readonly port: number;
  /** Stops listening and drops open connections. Calling it again does nothing. */
  readonly close: () => Promise<void>;
};

/** Clients that send a byte now and then would keep a connection each. A request here is a line and some headers. */
const LIMITS: Limits = { headersTimeout: 10_000, requestTimeout: 20_000, connectionsCheckingInterval: 1_000 };
/** Waits and watchers, several times over. Each connection is a file that the tables cannot have. */
const MOST_CONNECTIONS = 1_024;

/** Listens. Errors: config_invalid when it cannot. */
export async function startListener(options: ListenerOptions): Promise<RunningServer> {
  const rate = new RequestRate();
  const respondTo = (request: IncomingMessage, response: ServerResponse) =>
    void respond(request, response, options, { rate, names: namesAt(server, options) });
  const { limits = LIMITS } = options;
  const tls = options.tls && watchTlsFiles(options.tls);
  const server: Server = tls
    ? createTlsServer({ ...limits, ...tls.pair, handshakeTimeout: limits.headersTimeout }, respondTo)
    : createServer(limits, respondTo);
  server.maxConnections = MOST_CONNECTIONS;
  if (tls) tls.onChange((pair) => (server as ReturnType<typeof createTlsServer>).setSecureContext(pair));
  // Those that have not sent a request yet are not known to the HTTP server.
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const { port, stop } = await listenOn(server, options).catch((error: unknown) => {
    tls?.close();
    throw error;
  });
  let closed: Promise<void> | undefined;
  const close = async () => {
    tls?.close();
    const done = stop();
    for (const socket of sockets) socket.destroy();
    await done;
  };
  return {
    port,
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}

type Bounds = { readonly rate: RequestRate; readonly names: readonly string[] | undefined };

/** Where others reach a listener, a proxy or Prometheus may call it anything. */
function namesAt(server: Server, { names }: ListenerOptions): readonly string[] | undefined {
  const bound = server.address();
  return typeof bound === 'object' && bound !== null && isLoopback(bound.address) ? names : undefined;
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  options: ListenerOptions,
  bounds: Bounds,
): Promise<void> {
  const {
    status,
    type,
    body,
    headers: more,
  }: Answer = await answerTo(request, response, options, bounds).catch((error: unknown) => ({
    ...options.failed(error),
    status: 500,
  }));
  // The client has left.
  if (response.destroyed) return;
  response.writeHead(status, {
    'content-type': type ?? 'text/plain; charset=utf-8',
    // The length that a 304 names would be that of what the client has.
    ...(typeof body === 'string' && status !== 304 && { 'content-length': Buffer.byteLength(body) }),
    ...SECURITY_HEADERS,
    ...more,
  });
  if (typeof body === 'string') response.end(request.method === 'HEAD' ? undefined : body);
  else body(response);
}

async function answerTo(
  request: IncomingMessage,
  response: ServerResponse,
  { answer, requestsPerSecond }: ListenerOptions,
  { rate, names }: Bounds,
): Promise<Answer> {
  const { method = 'GET', headers, url = '/' } = request;
  if (requestsPerSecond !== undefined && !rate.take(request.socket.remoteAddress ?? '', requestsPerSecond)) {
    return refusal(new SegmentdError('too_many_requests', `more than ${requestsPerSecond} requests in a second`));
  }
  if (names !== undefined && !isMeantForUs(headers.host, names)) {
    return refusal(new SegmentdError('http_host_unknown', 'the request names another host than this machine'));
  }
  if (!boundedBody(request)) return refusal(new SegmentdError('http_body_too_large', 'the request has a long body'));
  const [path = '/', query = ''] = url.split(/\?(.*)/s, 2);
  return answer({ method, path, query: new URLSearchParams(query), headers, response });
}
