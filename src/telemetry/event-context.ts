/** What the groups of events share: the log, the metrics, the clock and the error throttle. */
import type { SegmentdError } from '../lib/errors.ts';
import { messageOf } from '../lib/errors.ts';
import type { ErrorThrottle } from './error-throttle.ts';
import type { EventName, Level } from './event-catalogue.ts';
import { EVENTS } from './event-catalogue.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import type { TierCounts } from './tier-counts.ts';

type Fields = Readonly<Record<string, unknown>>;

export type EventContext = {
  readonly metrics: Metrics;
  readonly throttle: ErrorThrottle;
  readonly tiers: TierCounts;
  /** Rows written into segments since the start: of fresh data, and once more by merges. */
  readonly written: { built: number; merged: number };
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Whether the log has lines of an event: for those that are so many that it is worth not to say them. */
  readonly says: (event: EventName) => boolean;
  /** Writes the log line of an event at its level, or at the one given. Fields that are many a second are given lazily. */
  readonly say: (event: EventName, fields: Fields | (() => Fields), level?: Level) => void;
};

export const saidBy =
  (logger: Logger): EventContext['says'] =>
  (event) =>
    logger.isLevelEnabled(EVENTS[event].level);

export function sayTo(logger: Logger): EventContext['say'] {
  return (event, fields, level = EVENTS[event].level) => {
    if (!logger.isLevelEnabled(level)) return;
    logger[level]({ event, ...(typeof fields === 'function' ? fields() : fields) }, EVENTS[event].says);
  };
}

/** An error as log fields: code, message, hint, and for a bug the stack. */
export function errorFields(error: SegmentdError): Fields {
  const { code, message, hint, cause } = error;
  return {
    code,
    error: message,
    hint,
    ...(cause === undefined ? {} : { cause: messageOf(cause) }),
    ...(code === 'internal' ? { stack: cause instanceof Error ? cause.stack : error.stack } : {}),
  };
}
