/** Metrics, probes and `/status`. Answers from memory only: a probe never waits for Kafka or a disk. */
import { messageOf, SegmentdError } from '../lib/errors.ts';
import type { Answer } from './answer.ts';
import { notFound, refusal, text } from './answer.ts';
import { carriesToken } from './bearer-token.ts';
import type { ListenerOptions, Request, RunningServer } from './listener.ts';
import { startListener } from './listener.ts';
import type { Pages } from './pages.ts';
import type { StatusRoutes } from './status-routes.ts';

/** `true` when healthy; else `false` or a sentence with the reason. */
export type Verdict = boolean | string;
type Health = {
  /** Liveness: false when a restart would help. Without Kafka the daemon is live: a restart does not bring the broker back. */
  readonly live: () => Verdict;
  /** Readiness: whether this member works on its partitions. */
  readonly ready: () => Verdict;
  /** What a daemon that is ready says beside `ok`. */
  readonly mode?: string | undefined;
};

/** A page of metrics as Prometheus reads it. */
type MetricsPage = { readonly contentType: string; render(): Promise<string> };

type ServerOptions = Pick<ListenerOptions, 'host' | 'port' | 'names' | 'requestsPerSecond'> & {
  readonly metrics: MetricsPage;
  readonly health: Health;
  readonly status?: StatusRoutes;
  /** What requests for the status have to carry, read for each of them; nothing unless given. Not empty. */
  readonly token?: string | undefined;
  /** The answer to a path of the page; undefined for others. */
  readonly pages?: Pages | undefined;
};

const probe = (verdict: Verdict, mode?: string): Answer =>
  verdict === true
    ? text(200, mode === undefined ? 'ok' : `ok (${mode})`)
    : text(503, verdict === false ? 'not ok' : verdict);

/** What names tables, and what would tell whether there is one. */
const STATUS = /^\/status(\/|$)/;

async function answer(request: Request, { metrics, health, status, token, pages }: ServerOptions): Promise<Answer> {
  const { method, path } = request;
  if (method !== 'GET' && method !== 'HEAD') return notFound(request);
  switch (path) {
    case '/metrics':
      return { status: 200, type: metrics.contentType, body: await metrics.render() };
    case '/healthz':
      return probe(health.live());
    case '/readyz':
      return probe(health.ready(), health.mode);
    case '/startupz':
      // Listening is the last step of starting up.
      return probe(true);
    default:
      if (token !== undefined && STATUS.test(path) && !carriesToken(request.headers, token)) {
        return refusal(new SegmentdError('http_unauthorized', 'the status is shown with the bearer token only'));
      }
      return status?.(path, request) ?? pages?.(path, request.headers) ?? notFound(request);
  }
}

/** Listens on `host:port`. Errors: config_invalid when it cannot: a daemon that cannot be watched must not start. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { host, port, names = [] } = options;
  return startListener({
    ...{ host, port, section: 'http' },
    // What it answers without a token is for those who reach it, not for the pages that their browsers show.
    names: [host, ...names],
    get requestsPerSecond() {
      return options.requestsPerSecond;
    },
    answer: (request) => answer(request, options),
    failed: (error) => ({ body: `${messageOf(error)}\n` }),
  });
}
