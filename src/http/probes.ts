/** Metrics and probes over HTTP. Answers from memory only: a probe never waits for Kafka or a disk. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { errnoOf, messageOf, SegmentdError } from '../lib/errors.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** `true` when well; `false` or a sentence of why when not. */
export type Verdict = boolean | string;
export type Health = {
  /** Whether a restart would not help. Being without Kafka is well: a restart does not bring it back. */
  readonly live: () => Verdict;
  /** Whether this member does its share of the work. */
  readonly ready: () => Verdict;
};

export type ServerOptions = {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly metrics: Pick<Metrics, 'render' | 'contentType'>;
  readonly health: Health;
  /** What `/status` shows, as JSON. */
  readonly status?: () => object;
};

export type RunningServer = {
  readonly port: number;
  /** Stops listening and drops open connections. Calling it again does nothing. */
  readonly close: () => Promise<void>;
};

type Answer = { readonly status: number; readonly type?: string; readonly body: string };

const probe = (verdict: Verdict): Answer =>
  verdict === true
    ? { status: 200, body: 'ok\n' }
    : { status: 503, body: `${verdict === false ? 'not ok' : verdict}\n` };

async function answer(path: string, { metrics, health, status = () => ({}) }: ServerOptions): Promise<Answer> {
  switch (path) {
    case '/metrics':
      return { status: 200, type: metrics.contentType, body: await metrics.render() };
    case '/healthz':
      return probe(health.live());
    case '/readyz':
      return probe(health.ready());
    case '/status':
      return { status: 200, type: 'application/json', body: `${JSON.stringify(status())}\n` };
    case '/startupz':
      // Listening is the last step of starting up.
      return probe(true);
    default:
      return { status: 404, body: 'not found\n' };
  }
}

async function respond(request: IncomingMessage, response: ServerResponse, options: ServerOptions): Promise<void> {
  const path = (request.url ?? '/').split('?', 1)[0] as string;
  const readable = request.method === 'GET' || request.method === 'HEAD';
  const { status, type, body }: Answer = readable
    ? await answer(path, options).catch((error: unknown) => ({ status: 500, body: `${messageOf(error)}\n` }))
    : { status: 404, body: 'not found\n' };
  response.writeHead(status, {
    'content-type': type ?? 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** Listens on `host:port`. Throws `config_invalid` when it cannot: a daemon nobody can watch must not start. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { host, port } = options;
  const server = createServer((request, response) => void respond(request, response, options));
  server.listen({ host, port });
  try {
    await once(server, 'listening');
  } catch (error) {
    const why = errnoOf(error) ?? messageOf(error);
    throw new SegmentdError('config_invalid', `cannot listen on http.host ${host}, http.port ${port}: ${why}`, {
      cause: error,
    });
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
