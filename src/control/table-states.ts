/**
 * What this process last knew of each table that it works on. The stages set it; the pipeline, `/status`, the HTTP API and the gauges
 * read it.
 */
import type { ErrorCode, SegmentdError } from '../lib/errors.ts';
import { isDamage } from '../lib/errors.ts';
import { gapStarts } from '../lib/gap-starts.ts';
import type { KindName } from '../lib/index-kinds.ts';
import { RecentMap } from '../lib/recent-map.ts';
import { visible, visibleLines } from '../lib/visible-text.ts';
import type { IndexReport, LeftAlone, SegmentReport } from '../model.ts';
import type { SelfCheckFinding } from './evidence.ts';
import { SELF_CHECK } from './evidence.ts';
import type { Pauses } from './pauses.ts';
import type { NewChange, TableChange } from './recent-changes.ts';
import { RecentChanges } from './recent-changes.ts';
import type { HistoryPoint } from './table-history.ts';
import { TableHistory } from './table-history.ts';

type IndexStatus = {
  readonly name: string;
  /** Lance's name of the kind, such as `BTREE`. */
  readonly kind: string;
  /** Share of rows covered, 0 to 1; 1 only when nothing is missing. */
  readonly coverage: number;
  readonly missing_rows: number;
  /** Rows that wait for more, and are searched without the index. */
  readonly held_rows: number;
  /** Age of the oldest row that is missing, as far as it is known; 0 when nothing is missing. */
  readonly lag_seconds: number;
  /** In the order of the manifest. `tier`: 0 for the smallest segments. */
  readonly segments: readonly (SegmentReport & { readonly tier: number })[];
};

export type TableStatus = {
  readonly table: string;
  /** `paused`: an operator holds its events; `retrying`: work failed and waits for its next try. */
  readonly state: 'served' | 'paused' | 'declined' | 'retrying';
  readonly version: number | null;
  readonly covered_version: number | null;
  /** Like `held_rows` and `segments` null when what the indexes cover is not known, as of a table that is declined. */
  readonly missing_fragments: number | null;
  /** Of the index that holds back most: rows that wait for more, and are searched without it. */
  readonly held_rows: number | null;
  readonly segments: number | null;
  /** Since when it is paused, ISO 8601, and by whom. */
  readonly pause: { readonly since: string; readonly by: string } | null;
  /** The wrong answer because of which the self-check paused it, or null. */
  readonly self_check: SelfCheckFinding | null;
  /** `accepted`: the configuration says that it may stay so. */
  readonly declined: { readonly code: ErrorCode; readonly message: string; readonly accepted: boolean } | null;
  /** Indexes that stay as they are while the others are kept fresh, and why. */
  readonly left_alone: readonly LeftAlone[];
  readonly failure: {
    readonly code: ErrorCode;
    readonly message: string;
    /** How often in a row it failed. */
    readonly count: number;
    readonly next_try_at: string;
  } | null;
  /** Rows that are not deleted; null until the table was read, and while its manifest cannot be. */
  readonly rows: number | null;
  /** The lowest of its indexes, 0 to 1; null without an index. */
  readonly coverage: number | null;
  /** The most of its indexes; null without an index. */
  readonly lag_seconds: number | null;
  /** When this member last read it, or tried to and declined it, ISO 8601. */
  readonly observed_at: string | null;
  readonly indexes: readonly IndexStatus[];
  /** The last change by this process. */
  readonly last_change: TableChange | null;
  /** The paragraph of the docs on why it is declined, retrying or has an index left alone, such as `errors.md#table_unreadable`. */
  readonly docs: string | null;
};

/** A table with its last hours. */
export type TableDetail = TableStatus & {
  /** By this process, newest first: at most 50. */
  readonly changes: readonly TableChange[];
  /** Oldest first; each point holds until the next one. */
  readonly history: readonly HistoryPoint[];
};

/** What stays until the next news. */
type Known = Pick<
  TableStatus,
  'version' | 'covered_version' | 'missing_fragments' | 'held_rows' | 'segments' | 'rows' | 'last_change'
> &
  Pick<TableStatus, 'declined' | 'left_alone' | 'failure'> & {
    readonly observedMs: number | null;
    readonly reports: readonly IndexReport[];
    /** When the gaps of indexes began, milliseconds since the epoch. */
    readonly gaps: ReadonlyMap<string, number>;
  };

const UNKNOWN: Known = {
  version: null,
  covered_version: null,
  missing_fragments: 0,
  held_rows: 0,
  segments: 0,
  rows: null,
  last_change: null,
  declined: null,
  left_alone: [],
  failure: null,
  observedMs: null,
  reports: [],
  gaps: new Map(),
};

/** What a declined table is not known to have. */
const NOT_SURVEYED = {
  covered_version: null,
  missing_fragments: null,
  held_rows: null,
  segments: null,
  left_alone: [],
  reports: [],
  gaps: new Map(),
} satisfies Partial<Known>;

/** Tables remembered; those without news for the longest time are forgotten first. */
const REMEMBERED = 10_000;

/** The tier of a segment with so many rows, as a number: 0 for the smallest. */
type TierOf = (table: string, kind: KindName, rows: number) => number;

type StatesOptions = {
  readonly now?: () => number;
  readonly tierOf?: TierOf;
  readonly acceptsDecline?: (table: string) => boolean;
  readonly findingOf?: (table: string) => SelfCheckFinding | null;
};

export class TableStates {
  readonly #pauses: Pick<Pauses, 'isPaused' | 'paused' | 'of'>;
  readonly #now: () => number;
  readonly #acceptsDecline: (table: string) => boolean;
  readonly #tierOf: TierOf;
  readonly #findingOf: (table: string) => SelfCheckFinding | null;
  readonly #tables = new RecentMap<string, Known>(REMEMBERED);
  readonly #changes = new RecentChanges();
  readonly #history = new TableHistory();

  /**
   * `tierOf` says how `/status` shades segments, `acceptsDecline` what `tables.<id>.decline` says of a table, `findingOf` what the self-check
   * found last. `now` is for tests: milliseconds since the epoch.
   */
  constructor(
    pauses: Pick<Pauses, 'isPaused' | 'paused' | 'of'>,
    { now = Date.now, tierOf = () => 0, acceptsDecline = () => false, findingOf = () => null }: StatesOptions = {},
  ) {
    this.#pauses = pauses;
    this.#now = now;
    this.#tierOf = tierOf;
    this.#acceptsDecline = acceptsDecline;
    this.#findingOf = findingOf;
  }

  /**
   * The table was read at `version`; `coveredVersion` when all its indexes cover that one. `rows`: those that are not deleted; as before
   * unless given.
   */
  observed(
    table: string,
    version: number,
    indexes: readonly IndexReport[],
    coveredVersion?: number,
    rows?: number,
  ): void {
    const now = this.#now();
    const before = this.#tables.get(table) ?? UNKNOWN;
    const gaps = gapStarts(before.gaps, indexes, now);
    // A gap that has closed was this old at its end.
    const lag_seconds = Math.max(oldestGap(before.gaps, now), oldestGap(gaps, now));
    const segments = indexes.reduce((sum, index) => sum + index.segments, 0);
    this.#history.note(table, { lag_seconds, segments, coverage: lowestCoverage(indexes) }, now);
    if (before.gaps.size > 0 && gaps.size === 0) {
      this.#history.note(table, { lag_seconds: 0, segments, coverage: lowestCoverage(indexes) }, now);
    }
    this.#note(table, {
      version,
      ...(rows === undefined ? {} : { rows }),
      observedMs: now,
      reports: indexes,
      gaps,
      missing_fragments: Math.max(0, ...indexes.map(({ missingFragments }) => missingFragments)),
      held_rows: Math.max(0, ...indexes.map(({ heldRows }) => heldRows)),
      segments,
      ...(coveredVersion === undefined ? {} : { covered_version: coveredVersion }),
    });
  }

  /** The manifest of the table was read, which may yet decline it; null: there is one that cannot be read. */
  read(table: string, manifest: { readonly version: number; readonly rows: number } | null): void {
    this.#note(table, manifest ?? { version: null, rows: null });
  }

  /** This process changed the table. */
  changed({ table, ...news }: NewChange): void {
    const last_change = { at: new Date(this.#now()).toISOString(), table, ...news };
    this.#changes.note(last_change);
    if (this.knows(table)) this.#note(table, { last_change });
  }

  /** The last changes of all tables, newest first: at most 20. */
  get changes(): readonly TableChange[] {
    return this.#changes.newest;
  }

  /** Work on the table succeeded. */
  succeeded(table: string): void {
    this.#note(table, { failure: null });
  }

  /** Work on the table failed and is tried again in `nextTryMs` milliseconds. */
  failed(table: string, { code, message }: SegmentdError, nextTryMs: number): void {
    const count = (this.#tables.get(table)?.failure?.count ?? 0) + 1;
    const next_try_at = new Date(this.#now() + nextTryMs).toISOString();
    this.#note(table, { failure: { code, message: visibleLines(message), count, next_try_at } });
  }

  /**
   * The table must not be written, and what its indexes cover is no longer known. Returns whether the decline is news: there was none
   * before, or for another reason.
   */
  declined(table: string, { code, message }: Pick<SegmentdError, 'code' | 'message'>): boolean {
    const before = this.#tables.get(table)?.declined?.code;
    // Who accepted that a table is not served did not mean its damage.
    const accepted = this.#acceptsDecline(table) && !isDamage(code);
    this.#note(table, {
      ...NOT_SURVEYED,
      declined: { code, message: visibleLines(message), accepted },
      failure: null,
      observedMs: this.#now(),
    });
    return before !== code;
  }

  /** Indexes of the table that are left alone. Returns whether that is news: others than before, or for other reasons. */
  leftAlone(table: string, left: readonly LeftAlone[]): boolean {
    const before = this.#tables.get(table)?.left_alone ?? [];
    const named = (all: readonly LeftAlone[]) => all.map(({ index, code }) => `${index} ${code}`).join('\n');
    if (named(before) === named(left)) return false;
    this.#note(table, { left_alone: left.map((it) => ({ ...it, message: visibleLines(it.message) })) });
    return true;
  }

  /** The table may be written. Returns whether that is news. */
  served(table: string): boolean {
    if (!this.#tables.get(table)?.declined) return false;
    this.#note(table, { declined: null });
    return true;
  }

  /** Whether the table was read, and neither has gone nor belongs to another member since. */
  knows(table: string): boolean {
    return this.#tables.has(table);
  }

  /** Returns whether anything was known of the table. */
  forget(table: string): boolean {
    this.#changes.forget(table);
    this.#history.forget(table);
    return this.#tables.delete(table);
  }

  stateOf(table: string): TableStatus['state'] {
    return this.#stateOf(table, this.#tables.get(table) ?? UNKNOWN);
  }

  /** The status of a table; of an unknown one, nothing but its name. */
  of(table: string): TableStatus {
    const { observedMs, reports, gaps, ...known } = this.#tables.get(table) ?? UNKNOWN;
    const pause = this.#pauses.of(table);
    const now = this.#now();
    return {
      table,
      state: this.stateOf(table),
      pause: pause && { since: new Date(pause.sinceMs).toISOString(), by: visible(pause.by) },
      self_check: pause?.by === SELF_CHECK ? this.#findingOf(table) : null,
      ...known,
      coverage: lowestCoverage(reports),
      lag_seconds: reports.length === 0 ? null : oldestGap(gaps, now),
      observed_at: observedMs === null ? null : new Date(observedMs).toISOString(),
      indexes: reports.map((report) => this.#indexStatus(table, report, secondsSince(gaps.get(report.name), now))),
      docs: docsOf(known),
    };
  }

  /** The status of a table and its last hours; null for a table that is neither known nor paused. */
  detail(table: string): TableDetail | null {
    if (!this.knows(table) && !this.#pauses.isPaused(table)) return null;
    const status = this.of(table);
    const { coverage, segments, lag_seconds: lag } = status;
    // Of a table without an index nothing is late; of one that was not surveyed nothing is known now.
    const sample = segments === null ? null : { lag_seconds: lag ?? 0, segments, coverage };
    const history = this.#history.of(table, sample, this.#now());
    return { ...status, changes: this.#changes.of(table), history };
  }

  /** All known tables and all that are paused, by name. */
  all(): TableStatus[] {
    const names = new Set([...this.#tables.keys(), ...this.#pauses.paused()]);
    return [...names].sort().map((table) => this.of(table));
  }

  /** Tables that an operator has paused. */
  get paused(): readonly string[] {
    return this.#pauses.paused();
  }

  /** Tables whose work failed and waits for its next try. */
  get retrying(): number {
    return [...this.#tables].filter(([table, known]) => this.#stateOf(table, known) === 'retrying').length;
  }

  /** Declined tables by the code of the reason, without those that the configuration accepts. */
  get declinedByReason(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { declined } of this.#tables.values()) {
      if (declined && !declined.accepted) counts.set(declined.code, (counts.get(declined.code) ?? 0) + 1);
    }
    return counts;
  }

  #stateOf(table: string, { declined, failure }: Known): TableStatus['state'] {
    if (declined) return 'declined';
    if (this.#pauses.isPaused(table)) return 'paused';
    return failure ? 'retrying' : 'served';
  }

  #indexStatus(table: string, report: IndexReport, lag_seconds: number): IndexStatus {
    const { name, kind, coverage, missingRows, heldRows, segmentList } = report;
    return {
      name,
      kind: kind.toUpperCase(),
      coverage,
      missing_rows: missingRows,
      held_rows: heldRows,
      lag_seconds,
      segments: segmentList.map((segment) => ({ ...segment, tier: this.#tierOf(table, kind, segment.rows) })),
    };
  }

  #note(table: string, news: Partial<Known>): void {
    const next = { ...(this.#tables.get(table) ?? UNKNOWN), ...news };
    this.#tables.set(table, next);
  }
}

function secondsSince(beganMs: number | undefined, nowMs: number): number {
  return beganMs === undefined ? 0 : Math.max(0, (nowMs - beganMs) / 1000);
}

const oldestGap = (gaps: ReadonlyMap<string, number>, nowMs: number): number =>
  Math.max(0, ...[...gaps.values()].map((began) => secondsSince(began, nowMs)));

const lowestCoverage = (reports: readonly IndexReport[]): number | null =>
  reports.length === 0 ? null : Math.min(...reports.map(({ coverage }) => coverage));

function docsOf({ declined, failure, left_alone: [left] }: Pick<Known, 'declined' | 'failure' | 'left_alone'>) {
  const code = (declined ?? failure ?? left)?.code;
  return code === undefined ? null : `errors.md#${code}`;
}
