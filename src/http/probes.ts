/** Metrics, probes and `/status`. Answers from memory only: a probe never waits for Kafka or a disk. */
import { messageOf } from '../lib/errors.ts';
import type { Answer, Request, RunningServer } from './listener.ts';
import { notFound, startListener, text } from './listener.ts';
import type { Pages } from './pages.ts';
import type { StatusRoutes } from './status-routes.ts';

/** `true` when healthy; else `false` or a sentence with the reason. */
export type Verdict = boolean | string;
type Health = {
  /** Liveness: false when a restart would help. Without Kafka the daemon is live: a restart does not bring the broker back. */
  readonly live: () => Verdict;
  /** Readiness: whether this member works on its partitions. */
  readonly ready: () => Verdict;
};

/** A page of metrics as Prometheus reads it. */
type MetricsPage = { readonly contentType: string; render(): Promise<string> };

type ServerOptions = {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly metrics: MetricsPage;
  readonly health: Health;
  readonly status?: StatusRoutes;
  /** The answer to a path of the page; undefined for others. */
  readonly pages?: Pages | undefined;
};

const probe = (verdict: Verdict): Answer =>
  verdict === true ? text(200, 'ok') : text(503, verdict === false ? 'not ok' : verdict);

async function answer(request: Request, { metrics, health, status, pages }: ServerOptions): Promise<Answer> {
  const { method, path } = request;
  if (method !== 'GET' && method !== 'HEAD') return notFound(request);
  switch (path) {
    case '/metrics':
      return { status: 200, type: metrics.contentType, body: await metrics.render() };
    case '/healthz':
      return probe(health.live());
    case '/readyz':
      return probe(health.ready());
    case '/startupz':
      // Listening is the last step of starting up.
      return probe(true);
    default:
      return status?.(path, request) ?? pages?.(path, request.headers) ?? notFound(request);
  }
}

/** Listens on `host:port`. Errors: config_invalid when it cannot: a daemon that cannot be watched must not start. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  return startListener({
    ...options,
    section: 'http',
    answer: (request) => answer(request, options),
    failed: (error) => ({ body: `${messageOf(error)}\n` }),
  });
}
