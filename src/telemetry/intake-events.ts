/** Events of the intake: records, partitions, the consumer. */
import type { ErrorCode, SegmentdError } from '../lib/errors.ts';
import type { AppendEvent, RecordPosition } from '../model.ts';
import type { EventContext } from './event-context.ts';
import { errorFields } from './event-context.ts';
import type { EventOutcome } from './metric-catalogue.ts';

/** How an append event ends, other than in the dead-letter topic. */
type SettledOutcome = Exclude<EventOutcome, 'invalid' | 'ignored'>;
type LagReading = { readonly topic: string; readonly partition: number; readonly records: number };
type Settled = {
  readonly position: RecordPosition;
  readonly table: string;
  readonly outcome: SettledOutcome;
  /** How many records in a row that was. */
  readonly records: number;
};
type Received = { readonly position: RecordPosition; readonly event: AppendEvent; readonly records: number };
/** `seen` is undefined when the broker did not tell: no number is better than an old one. */
type GroupSeen = {
  readonly group: string;
  readonly topic: string;
  readonly seen: { readonly members: number; readonly unowned: number } | undefined;
};
/** Topic to the partitions this member owns. */
type Assignment = Readonly<Record<string, readonly number[]>>;

const where = ({ topic, partition, offset }: RecordPosition) => ({ topic, partition, offset: offset.toString() });

/** The lag gauge, without partitions that another member owns: it exports them too, and sums would count them twice. */
class LagGauge {
  readonly #metrics: EventContext['metrics'];
  readonly #measured = new Map<string, { topic: string; partition: string }>();

  constructor(metrics: EventContext['metrics']) {
    this.#metrics = metrics;
  }

  set({ topic, partition, records }: LagReading): void {
    const labels = { topic, partition: String(partition) };
    this.#metrics.set('consumer_lag_records', labels, records);
    this.#measured.set(`${topic} ${partition}`, labels);
  }

  keepOnly(owned: readonly { readonly topic: string; readonly partition: number }[]): void {
    const keys = new Set(owned.map(({ topic, partition }) => `${topic} ${partition}`));
    for (const [key, labels] of this.#measured) {
      if (keys.has(key)) continue;
      this.#metrics.remove('consumer_lag_records', labels);
      this.#measured.delete(key);
    }
  }
}

export function intakeEvents(context: EventContext) {
  return { ...recordEvents(context), ...consumerEvents(context) };
}

/** Counters of settled records by topic and outcome. */
function settledCounter(
  metrics: EventContext['metrics'],
): (topic: string, outcome: SettledOutcome, records: number) => void {
  const topics = new Map<string, Map<SettledOutcome, (by: number) => void>>();
  return (topic, outcome, records) => {
    const outcomes = getOrMake(topics, topic, () => new Map());
    getOrMake(outcomes, outcome, () => metrics.tally('events_total', { topic, outcome }))(records);
  };
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key) ?? make();
  if (!map.has(key)) map.set(key, found);
  return found;
}

function recordEvents({ metrics, throttle, now, says, say }: EventContext) {
  const countSettled = settledCounter(metrics);
  return {
    /** Records that are one append event for a configured table; `position` and the id are those of the first. `eventSettled` reports the outcome. */
    eventReceived({ position, event: { table, version, id }, records }: Received): void {
      if (says('eventReceived')) say('eventReceived', { table: table.id, version, id, ...where(position), records });
    },
    /** A record that is valid and names no append, such as a notification about a data file. */
    recordIgnored({ position, records }: { position: RecordPosition; records: number }): void {
      metrics.inc('events_total', { topic: position.topic, outcome: 'ignored' }, records);
      say('recordIgnored', { ...where(position), records });
    },
    /**
     * The records are acknowledged; `position` is that of the first. `accepted`: they led to a commit; `duplicate`: there was nothing to
     * do any more.
     */
    eventSettled({ position, table, outcome, records }: Settled): void {
      countSettled(position.topic, outcome, records);
      // Not before it is settled: by then there is such a table. Names of tables that do not exist must not use up `metrics.max_tables`.
      metrics.tables.set('last_event_timestamp_seconds', table, now() / 1000);
      if (says('eventSettled')) say('eventSettled', { table, outcome, ...where(position), records });
    },
    eventDeadLettered(event: { position: RecordPosition; code: ErrorCode; message: string }): void {
      metrics.inc('events_total', { topic: event.position.topic, outcome: 'invalid' });
      metrics.inc('dead_letters_total', { reason: event.code });
      const quiet = throttle.failed(`dead-letter ${event.code}`, event.code);
      if (quiet === undefined) return;
      say('eventDeadLettered', { code: event.code, error: event.message, ...where(event.position), suppressed: quiet });
    },
  };
}

function consumerEvents({ metrics, throttle, say }: EventContext) {
  const lag = new LagGauge(metrics);
  return {
    rebalanced({ assigned }: { assigned: Assignment }): void {
      metrics.inc('rebalances_total', {});
      lag.keepOnly(
        Object.entries(assigned).flatMap(([topic, list]) => list.map((partition) => ({ topic, partition }))),
      );
      say('rebalanced', { assigned });
    },
    consumerCrashed({ error, willRestart }: { error: SegmentdError; willRestart: boolean }): void {
      if (willRestart) metrics.inc('consumer_restarts_total', { reason: error.code });
      const quiet = throttle.failed('consumer', error.code);
      if (quiet !== undefined) say('consumerCrashed', { ...errorFields(error), willRestart, suppressed: quiet });
    },
    /** The consumer has its partitions and reads. Quiet unless it had crashed. */
    consumerRecovered(): void {
      const failures = throttle.recovered('consumer');
      if (failures > 0) say('consumerRecovered', { failures });
    },
    offsetsCommitted(): void {
      say('offsetsCommitted', {});
    },
    /** Lag of all partitions this member owns; the ones not named are taken off the page. */
    lagMeasured(lags: readonly LagReading[]): void {
      for (const each of lags) lag.set(each);
      lag.keepOnly(lags);
      say('lagMeasured', { records: lags.reduce((sum, { records }) => sum + records, 0) });
    },
    groupSeen({ group, topic, seen }: GroupSeen): void {
      if (seen === undefined) {
        metrics.remove('group_members', { group });
        metrics.remove('unowned_partitions', { group, topic });
      } else {
        metrics.set('group_members', { group }, seen.members);
        metrics.set('unowned_partitions', { group, topic }, seen.unowned);
      }
      say('groupSeen', { group, topic, ...seen });
    },
    /** Asks `read` on every scrape for the unacknowledged records and the age of the oldest in milliseconds. */
    unacked(read: () => { count: number; oldestMs: number }): void {
      metrics.onCollect('unacked_events', () => read().count);
      metrics.onCollect('oldest_unacked_age_seconds', () => read().oldestMs / 1000);
    },
  };
}
