/** Opens tracing as the configuration has it. */
import { hostname } from 'node:os';
import type { Config } from '../config/schema.ts';
import { memberName } from '../lib/member-name.ts';
import { VERSION } from '../lib/version.ts';
import type { Telemetry } from '../telemetry/events.ts';
import type { Tracing } from '../tracing/open-tracing.ts';
import { openTracing } from '../tracing/open-tracing.ts';
import { clientIdOf } from './kafka-settings.ts';

/** Undefined, with nothing loaded, unless traces are on. */
export async function openTraces(
  config: Config,
  { tracesLost, tracesDelivered, tracingDoubted }: Telemetry,
): Promise<Tracing | undefined> {
  const { tracing } = config;
  if (!tracing.enabled) return undefined;
  const settings = {
    endpoint: tracing.endpoint,
    serviceName: tracing.service_name,
    sampleRatio: tracing.sample_ratio,
    serviceVersion: VERSION,
    instance: memberName(clientIdOf(config)),
    host: hostname(),
    group: config.kafka?.group_id,
  };
  return openTracing(settings, {
    lost: (spans, error) => tracesLost({ spans, error }),
    delivered: tracesDelivered,
    doubted: (at, problem) => tracingDoubted({ at, problem }),
  });
}
