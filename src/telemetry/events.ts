/** The telemetry of segmentd: each method writes the log line and the metrics of its event together. */

import { ErrorThrottle } from './error-throttle.ts';
import type { EventContext } from './event-context.ts';
import { sayTo } from './event-context.ts';
import { intakeEvents } from './intake-events.ts';
import type { Logger } from './logger.ts';
import { mergeEvents } from './merge-events.ts';
import type { State } from './metric-catalogue.ts';
import { STATES } from './metric-catalogue.ts';
import type { Metrics } from './metrics.ts';
import { tableEvents } from './table-events.ts';
import { TierCounts } from './tier-counts.ts';
import { workEvents } from './work-events.ts';

export type Telemetry = ReturnType<typeof createTelemetry>;

function processEvents({ metrics, say }: EventContext) {
  return {
    stateChanged({ state, reason }: { state: State; reason?: string | undefined }): void {
      for (const each of STATES) metrics.set('state', { state: each }, each === state ? 1 : 0);
      say('stateChanged', { state, reason });
    },
  };
}

/** Telemetry over a log and metrics. `now` is for tests: milliseconds since the epoch. */
export function createTelemetry(options: { logger: Logger; metrics: Metrics; now?: () => number }) {
  const { logger, metrics, now = Date.now } = options;
  const context: EventContext = {
    metrics,
    now,
    throttle: new ErrorThrottle(now),
    tiers: new TierCounts(metrics),
    written: { built: 0, merged: 0 },
    say: sayTo(logger),
  };
  return {
    ...intakeEvents(context),
    ...tableEvents(context),
    ...workEvents(context),
    ...mergeEvents(context),
    ...processEvents(context),
  };
}
