/** Events of a table: what is missing, what was covered, what is refused, what failed. */

import type { ErrorCode, SegmentdError } from '../lib/errors.ts';
import { gapStarts } from '../lib/gap-starts.ts';
import type { IndexReport, LeftAlone } from '../model.ts';
import { isFullyCovered } from '../model.ts';
import { VERSION_METRICS } from './event-catalogue.ts';
import type { EventContext } from './event-context.ts';
import { errorFields } from './event-context.ts';
import type { IndexReadings } from './table-series.ts';

type TableState = { readonly table: string; readonly version: number; readonly indexes: readonly IndexReport[] };

/** Digits of the exported ratio. Enough to tell one missing row in a million from none. */
const RATIO_STEPS = 1_000_000;

/** Rounded down, and below 1 while anything is missing, even a fragment whose rows are all deleted. */
function flooredRatio({
  coverage,
  missingFragments,
  missingRows,
}: Pick<IndexReport, 'coverage' | 'missingFragments' | 'missingRows'>): number {
  const floored = Math.floor(coverage * RATIO_STEPS) / RATIO_STEPS;
  return missingFragments + missingRows > 0 ? Math.min(floored, 1 - 1 / RATIO_STEPS) : floored;
}

/** Since when each index of each table misses something. */
class Gaps {
  readonly #sinceMs = new Map<string, ReadonlyMap<string, number>>();

  /** Notes the state of a table and returns when the gap of each index began, in milliseconds; closed ones are left out. */
  note(table: string, indexes: readonly IndexReport[], nowMs: number): ReadonlyMap<string, number> {
    const since = gapStarts(this.#sinceMs.get(table), indexes, nowMs);
    if (since.size > 0) this.#sinceMs.set(table, since);
    else this.#sinceMs.delete(table);
    return since;
  }

  forget(table: string): void {
    this.#sinceMs.delete(table);
  }
}

/** Writes the series of a table's indexes anew, so that a dropped index leaves none behind. */
function exportState({ metrics, now }: EventContext, gaps: Gaps, { table, version, indexes }: TableState): void {
  const { tables } = metrics;
  const since = gaps.note(table, indexes, now());
  const readingsOf = (index: IndexReport): IndexReadings => {
    const began = since.get(index.name);
    return {
      name: index.name,
      index_lag_seconds: began === undefined ? 0 : () => Math.max(0, (now() - began) / 1000),
      coverage_ratio: flooredRatio(index),
      missing_rows: index.missingRows,
      held_rows: index.heldRows,
      missing_fragments: index.missingFragments,
      segments: index.segments,
    };
  };
  tables.setIndexes(table, indexes.map(readingsOf));
  tables.set('table_version', table, version);
}

export function tableEvents(context: EventContext) {
  const gaps = new Gaps();
  return { ...stateEvents(context, gaps), ...serviceEvents(context, gaps) };
}

type CoveredBatch = TableState & {
  readonly coveredVersion: number;
  readonly eventToCoveredSeconds: readonly (number | undefined)[];
  readonly committed: boolean;
};

function stateEvents(context: EventContext, gaps: Gaps) {
  const { metrics, throttle, now, say } = context;
  const succeeded = (table: string) => {
    metrics.tables.set('last_success_timestamp_seconds', table, now() / 1000);
    metrics.tables.clear('retrying', table);
    const failures = throttle.recovered(`work ${table}`);
    if (failures > 0) say('workRecovered', { table, failures });
  };
  return {
    /** The state of a table as read, before any work. `outcome` is for the log. */
    planned(plan: TableState & { outcome: string }): void {
      const { table, version, outcome, indexes } = plan;
      exportState(context, gaps, plan);
      const isCovered = isFullyCovered(indexes);
      if (isCovered) {
        metrics.tables.set('covered_version', table, version);
        succeeded(table);
      }
      say('planned', () => ({
        table,
        version,
        outcome,
        indexes: indexes.map(({ segmentList: _, ...index }) => index),
      }));
    },
    /**
     * A batch is in the table. `indexes` is the state after it; `eventToCoveredSeconds` one value per event, undefined where the
     * record's time says nothing. Not `committed`: there was nothing to do, which is logged at debug.
     */
    batchCovered(batch: CoveredBatch): void {
      const { table, version, coveredVersion, eventToCoveredSeconds, committed, indexes } = batch;
      exportState(context, gaps, batch);
      // Events that name fragments are settled with those alone.
      const isCovered = isFullyCovered(indexes);
      if (isCovered) metrics.tables.set('covered_version', table, coveredVersion);
      const samples = eventToCoveredSeconds.filter((seconds) => seconds !== undefined);
      for (const seconds of samples) metrics.observe('event_to_covered_seconds', seconds);
      succeeded(table);
      const slowest = samples.reduce((most, seconds) => Math.max(most, seconds), 0);
      const events = eventToCoveredSeconds.length;
      const fields = () => ({ table, version, coveredVersion, events, slowestSeconds: slowest });
      say('batchCovered', fields, committed ? 'info' : 'debug');
    },
    /** What the indexes of a table cover is not known now: what was known before would hide what goes wrong. */
    indexesUnknown({ table }: { table: string }): void {
      gaps.forget(table);
      metrics.tables.setIndexes(table, []);
      for (const metric of [...VERSION_METRICS, 'index_left_alone'] as const) metrics.tables.clear(metric, table);
      say('indexesUnknown', { table });
    },
    workFailed({ table, error, nextTryMs }: { table: string; error: SegmentdError; nextTryMs: number }): void {
      metrics.tables.set('last_error_timestamp_seconds', table, now() / 1000);
      metrics.tables.clear('retrying', table);
      metrics.tables.set('retrying', table, 1, error.code);
      const quiet = throttle.failed(`work ${table}`, error.code);
      if (quiet !== undefined) say('workFailed', { table, ...errorFields(error), nextTryMs, suppressed: quiet });
    },
  };
}

/** What `tables_*` count, asked for on every scrape. */
type TableCounts = {
  readonly retrying: number;
  readonly declinedByReason: ReadonlyMap<string, number>;
  readonly paused: readonly string[];
};

type Declined = {
  readonly table: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly accepted: boolean;
};

/** Which tables this member serves. */
function serviceEvents({ metrics, throttle, tiers, say }: EventContext, gaps: Gaps) {
  const forget = (table: string) => {
    throttle.recovered(`work ${table}`);
    gaps.forget(table);
    tiers.forget(table);
    throttle.recovered(`merge ${table}`);
    throttle.recovered(`maintenance ${table}`);
    throttle.recovered(`self-check ${table}`);
    metrics.tables.forget(table);
  };
  return {
    /** Asks `read` on every scrape for the tables by state. */
    tableCounts(read: () => TableCounts): void {
      metrics.onCollect('tables_retrying', () => read().retrying);
      metrics.onCollect('tables_declined', () => read().declinedByReason);
      metrics.onCollect('paused', () => new Map(read().paused.map((table) => [table, 1])));
    },
    /** Call it once per table and reason, however often the table is read. `accepted`: the configuration says that it is fine. */
    tableDeclined({ table, code, message, accepted }: Declined): void {
      for (const metric of ['declined', 'retrying'] as const) metrics.tables.clear(metric, table);
      if (!accepted) metrics.tables.set('declined', table, 1, code);
      throttle.recovered(`work ${table}`);
      say('tableDeclined', { table, code, error: message, accepted }, accepted ? 'info' : 'warn');
    },
    /** Call it when others than before are left alone, or for other reasons; with none once all are maintained. */
    indexesLeftAlone({ table, left }: { table: string; left: readonly LeftAlone[] }): void {
      metrics.tables.clear('index_left_alone', table);
      for (const { index } of left) metrics.tables.set('index_left_alone', table, 1, index);
      say('indexesLeftAlone', { table, left }, left.length > 0 ? 'warn' : 'info');
    },
    /** A table that had been declined may be written. */
    tableServed({ table }: { table: string }): void {
      metrics.tables.clear('declined', table);
      say('tableServed', { table });
    },
    /** `by`: who asked for it. */
    tablePaused({ table, by }: { table: string; by: string }): void {
      say('tablePaused', { table, by });
    },
    tableResumed({ table, by }: { table: string; by: string }): void {
      say('tableResumed', { table, by });
    },
    /** A merge or housekeeping is begun because an operator wants it: `by`. */
    workAsked({ table, command, by }: { table: string; command: string; by: string }): void {
      say('workAsked', { table, command, by });
    },
    /** Another member serves the table now: its series here would only age and raise alerts. */
    tableReleased({ table }: { table: string }): void {
      forget(table);
      say('tableReleased', { table });
    },
    /** There is no such table any more. Its series would stay as they were last seen. */
    tableGone({ table }: { table: string }): void {
      forget(table);
      say('tableGone', { table });
    },
  };
}
