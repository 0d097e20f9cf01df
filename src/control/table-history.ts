/** How lag, segments and coverage of each table went over the last hours, in bounded memory. */

export type HistoryPoint = {
  /** ISO 8601. What the point says holds until the next one. */
  readonly at: string;
  /** The most of that minute. */
  readonly lag_seconds: number;
  readonly segments: number;
  /** The least of that minute, 0 to 1; null without an index. */
  readonly coverage: number | null;
};

export type HistorySample = Omit<HistoryPoint, 'at'>;

const MINUTE_MS = 60_000;
/** Six hours: a night's trouble is seen in the morning's first hours, and a table takes 12 kB at most. */
const MINUTES = 360;
/** Minutes kept of all tables together, 16 MB. The table that changed the longest time ago loses its points first. */
const KEPT = 500_000;
/** Numbers of a point: the minute since the epoch, lag, segments, coverage with NaN for none. */
const WIDTH = 4;

type Row = readonly [minute: number, lag: number, segments: number, coverage: number];

const rowOf = (minute: number, { lag_seconds, segments, coverage }: HistorySample): Row => [
  minute,
  lag_seconds,
  segments,
  coverage ?? Number.NaN,
];
const isSame = (a: Row, b: Row) => a.slice(1).every((value, at) => Object.is(value, b[at + 1]));

/** The points of one table: one a minute at most, and none while nothing changes. */
class Points {
  /** Their numbers, one row behind the other. Nearly all of very many tables have a single one: a typed array would take more than that. */
  #rows: number[] = [];
  /** The last sample, which the last point need not show: that has the worst of its minute. */
  #current: Row | undefined;

  get count(): number {
    return this.#rows.length / WIDTH;
  }

  /** Returns whether a point was added. */
  note(row: Row): boolean {
    const before = this.count;
    const [minute] = row;
    const last = this.#last();
    if (last && last[0] >= minute) {
      this.#setLast([
        last[0],
        Math.max(last[1], row[1]),
        Math.max(last[2], row[2]),
        // NaN stays only while there is no index at all.
        Number.isNaN(last[3]) ? row[3] : Math.min(last[3], Number.isNaN(row[3]) ? last[3] : row[3]),
      ]);
    } else {
      this.#close(minute);
      const shown = this.#last();
      if (!shown || !isSame(shown, row)) this.#push(row);
    }
    this.#current = row;
    return this.count > before;
  }

  /** From `fromMinute` on, with the state that held there. */
  from(fromMinute: number, nowMinute: number): Row[] {
    const rows = Array.from({ length: this.count }, (_, at) => this.#at(at));
    const last = rows.at(-1);
    if (last && this.#current && last[0] + 1 <= nowMinute && !isSame(last, this.#current)) {
      rows.push([last[0] + 1, ...tail(this.#current)]);
    }
    const inside = rows.filter(([minute]) => minute >= fromMinute);
    const before = rows.findLast(([minute]) => minute < fromMinute);
    return before && inside[0]?.[0] !== fromMinute ? [[fromMinute, ...tail(before)], ...inside] : inside;
  }

  /** After the last minute came others, in which the table was as it was left. */
  #close(minute: number): void {
    const last = this.#last();
    if (last && this.#current && last[0] + 1 < minute && !isSame(last, this.#current)) {
      this.#push([last[0] + 1, ...tail(this.#current)]);
    }
  }

  #push(row: Row): void {
    const kept = this.count === MINUTES ? this.#rows.slice(WIDTH) : this.#rows;
    // A copy takes room for no more than there is.
    this.#rows = [...kept, ...row];
  }

  #last(): Row | undefined {
    return this.count > 0 ? this.#at(this.count - 1) : undefined;
  }

  #at(at: number): Row {
    return this.#rows.slice(at * WIDTH, (at + 1) * WIDTH) as unknown as Row;
  }

  #setLast(row: Row): void {
    for (const [at, value] of row.entries()) this.#rows[this.#rows.length - WIDTH + at] = value;
  }
}

const tail = ([, lag, segments, coverage]: Row): [number, number, number] => [lag, segments, coverage];

export class TableHistory {
  /** The table that changed last comes last. */
  readonly #tables = new Map<string, Points>();
  #kept = 0;

  /** What a look at the table gave. `nowMs`: milliseconds since the epoch. */
  note(table: string, sample: HistorySample, nowMs: number): void {
    const points = this.#tables.get(table) ?? new Points();
    const before = points.count;
    if (!points.note(rowOf(Math.floor(nowMs / MINUTE_MS), sample))) return;
    this.#tables.delete(table);
    this.#tables.set(table, points);
    this.#kept += points.count - before;
    for (const oldest of this.#tables.keys()) {
      if (this.#kept <= KEPT) break;
      this.forget(oldest);
    }
  }

  /**
   * The last six hours, oldest first, ending with `sample`, the state as it is now, if that is known; empty for a table that is not known.
   */
  of(table: string, sample: HistorySample | null, nowMs: number): HistoryPoint[] {
    const minute = Math.floor(nowMs / MINUTE_MS);
    const rows = this.#tables.get(table)?.from(minute - MINUTES, minute) ?? [];
    const points = rows.map((row) => pointOf(row, row[0] * MINUTE_MS));
    return points.length > 0 && sample ? [...points, pointOf(rowOf(minute, sample), nowMs)] : points;
  }

  forget(table: string): void {
    this.#kept -= this.#tables.get(table)?.count ?? 0;
    this.#tables.delete(table);
  }
}

function pointOf([, lag_seconds, segments, coverage]: Row, ms: number): HistoryPoint {
  return {
    at: new Date(ms).toISOString(),
    lag_seconds,
    segments,
    coverage: Number.isNaN(coverage) ? null : coverage,
  };
}
