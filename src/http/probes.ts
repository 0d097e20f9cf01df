/** Metrics, probes and `/status`. Answers from memory only: a probe never waits for Kafka or a disk. */
import { messageOf } from '../lib/errors.ts';
import type { Answer, RunningServer } from './listener.ts';
import { json, startListener, text } from './listener.ts';

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
  /** What `/status` shows, as JSON. */
  readonly status?: () => object;
};

const probe = (verdict: Verdict): Answer =>
  verdict === true ? text(200, 'ok') : text(503, verdict === false ? 'not ok' : verdict);

async function answer(path: string, { metrics, health, status = () => ({}) }: ServerOptions): Promise<Answer> {
  switch (path) {
    case '/metrics':
      return { status: 200, type: metrics.contentType, body: await metrics.render() };
    case '/healthz':
      return probe(health.live());
    case '/readyz':
      return probe(health.ready());
    case '/status':
      return json(200, status());
    case '/startupz':
      // Listening is the last step of starting up.
      return probe(true);
    default:
      return text(404, 'not found');
  }
}

/** Listens on `host:port`. Errors: config_invalid when it cannot: a daemon that cannot be watched must not start. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  return startListener({
    ...options,
    section: 'http',
    answer: async ({ method, path }) =>
      method === 'GET' || method === 'HEAD' ? answer(path, options) : text(404, 'not found'),
    failed: (error) => ({ body: `${messageOf(error)}\n` }),
  });
}
