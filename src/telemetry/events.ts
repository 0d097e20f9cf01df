/** The telemetry of segmentd: each method writes the log line and the metrics of its event together. */

import type { ErrorCode, SegmentdError } from '../lib/errors.ts';
import { ErrorThrottle } from './error-throttle.ts';
import type { EventContext } from './event-context.ts';
import { errorFields, saidBy, sayTo } from './event-context.ts';
import { intakeEvents } from './intake-events.ts';
import type { Logger } from './logger.ts';
import { maintenanceEvents } from './maintenance-events.ts';
import { mergeEvents } from './merge-events.ts';
import type { State } from './metric-catalogue.ts';
import { STATES } from './metric-catalogue.ts';
import type { Metrics } from './metrics.ts';
import { selfCheckEvents } from './self-check-events.ts';
import { tableEvents } from './table-events.ts';
import { TierCounts } from './tier-counts.ts';
import { workEvents } from './work-events.ts';

export type Telemetry = ReturnType<typeof createTelemetry>;

/** What a start line tells of a process: nothing secret. */
export type StartFacts = {
  readonly version: string;
  /** The configuration file; null when only variables speak. */
  readonly config: string | null;
  /** Database to where it lies and the kind of store. */
  readonly databases: Readonly<Record<string, { readonly uri: string; readonly store: string }>>;
  /** These three are null without Kafka. */
  readonly brokers: readonly string[] | null;
  readonly group: string | null;
  readonly topics: Readonly<Record<string, string>> | null;
  /** Null with Kafka. */
  readonly polls_every_s: number | null;
  /** `host:port` of the listener for metrics, and of the one for operators when it is on. */
  readonly http: string;
  readonly admin: string | null;
};

function processEvents({ metrics, throttle, say }: EventContext) {
  return {
    started(facts: StartFacts): void {
      say('started', facts);
    },
    /** `option` with its place in the file. The daemon goes on: what is missing may come. */
    configDoubted({
      code,
      at,
      option,
      problem,
    }: {
      code: ErrorCode;
      at: string;
      option: string;
      problem: string;
    }): void {
      say('configDoubted', { code, at, option, problem });
    },
    /** The collector did not take `spans`. */
    tracesLost({ spans, error }: { spans: number; error: string }): void {
      const quiet = throttle.failed('traces', 'lost');
      if (quiet !== undefined) say('tracesLost', { spans, error, suppressed: quiet });
    },
    /** Quiet unless some were lost before. */
    tracesDelivered(): void {
      const failures = throttle.recovered('traces');
      if (failures > 0) say('tracesDelivered', { failures });
    },
    /** `at`: the variable that has no effect, or the library that warns. */
    tracingDoubted({ at, problem }: { at: string; problem: string }): void {
      const quiet = throttle.failed(`tracing ${at}`, 'doubted');
      if (quiet !== undefined) say('tracingDoubted', { at, problem, suppressed: quiet });
    },
    /** Options by name, a table or a database as `tables.<id>`. `config` is the file. */
    configReloaded(facts: {
      readonly config: string | null;
      readonly applied: readonly string[];
      readonly needs_restart: readonly string[];
    }): void {
      say('configReloaded', facts);
    },
    optionNeedsRestart({ option, at }: { option: string; at: string }): void {
      say('optionNeedsRestart', { option, at });
    },
    configRefused({ error }: { error: SegmentdError }): void {
      say('configRefused', errorFields(error));
    },
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
    says: saidBy(logger),
    say: sayTo(logger),
  };
  return {
    ...intakeEvents(context),
    ...tableEvents(context),
    ...workEvents(context),
    ...mergeEvents(context),
    ...maintenanceEvents(context),
    ...selfCheckEvents(context),
    ...processEvents(context),
  };
}
