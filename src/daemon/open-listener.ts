/** Opens the listener for metrics, probes and the status. */
import type { Config } from '../config/schema.ts';
import { withoutBroker } from '../config/sweep-interval.ts';
import type { RunningServer } from '../http/listener.ts';
import type { Pages } from '../http/pages.ts';
import { startServer } from '../http/probes.ts';
import type { StatusRoutes } from '../http/status-routes.ts';
import type { RecordSource } from '../kafka/consumer/source.ts';
import type { Cleanup } from '../lib/cleanup.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { ComponentLog } from './component-logs.ts';
import { healthOf } from './kafka-hooks.ts';
import { operatorToken } from './operator-token.ts';

type ListenerParts = {
  readonly source: RecordSource;
  readonly metrics: Metrics;
  readonly served: { readonly status: StatusRoutes; readonly pages: Pages | undefined };
  readonly log: ComponentLog;
  readonly cleanup: Cleanup;
};

/** Errors: config_invalid. */
export async function openListener(
  config: Config,
  { source, metrics, served, log, cleanup }: ListenerParts,
): Promise<Pick<RunningServer, 'port'>> {
  const { host, port, names, anonymous } = config.http;
  const token = anonymous ? undefined : operatorToken(config, log);
  const server = await startServer({
    ...{ host, port, names, metrics, ...served },
    health: healthOf(source, withoutBroker(config)),
    get token() {
      return token?.();
    },
    get requestsPerSecond() {
      // Where there is a token to guess.
      return token && config.admin.requests_per_s;
    },
  });
  cleanup.defer(() => server.close());
  return { port: server.port };
}
