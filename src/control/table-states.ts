/**
 * What this process last knew of each table that it works on. The stages set it; the pipeline, `/status`, the HTTP API and the gauges
 * read it.
 */
import type { Manifest } from '../lance/codec/manifest.ts';
import type { Coverage } from '../lance/plan/coverage.ts';
import { coverageRatio } from '../lance/plan/coverage.ts';
import type { IndexState } from '../lance/plan/index-plan.ts';
import type { ErrorCode, SegmentdError } from '../lib/errors.ts';
import { RecentMap } from '../lib/recent-map.ts';
import type { IndexReport, LeftAlone } from '../model.ts';
import type { SelfCheckFinding } from './evidence.ts';
import { SELF_CHECK } from './evidence.ts';
import type { Pauses } from './pauses.ts';

export type TableStatus = {
  readonly table: string;
  /** `paused`: an operator holds its events; `retrying`: work failed and waits for its next try. */
  readonly state: 'served' | 'paused' | 'declined' | 'retrying';
  readonly version: number | null;
  readonly covered_version: number | null;
  readonly missing_fragments: number;
  /** Of the index that holds back most: rows that wait for more, and are searched without it. */
  readonly held_rows: number;
  readonly segments: number;
  /** Since when it is paused, ISO 8601, and by whom. */
  readonly pause: { readonly since: string; readonly by: string } | null;
  /** The wrong answer because of which the self-check paused it, or null. */
  readonly self_check: SelfCheckFinding | null;
  readonly declined: { readonly code: ErrorCode; readonly message: string } | null;
  /** Indexes that stay as they are while the others are kept fresh, and why. */
  readonly left_alone: readonly LeftAlone[];
  readonly failure: {
    readonly code: ErrorCode;
    readonly message: string;
    /** How often in a row it failed. */
    readonly count: number;
    readonly next_try_at: string;
  } | null;
};

type Known = Omit<TableStatus, 'table' | 'state' | 'pause' | 'self_check'>;

const UNKNOWN: Known = {
  version: null,
  covered_version: null,
  missing_fragments: 0,
  held_rows: 0,
  segments: 0,
  declined: null,
  left_alone: [],
  failure: null,
};

/** Tables remembered; those without news for the longest time are forgotten first. */
const REMEMBERED = 10_000;

export class TableStates {
  readonly #pauses: Pick<Pauses, 'isPaused' | 'paused' | 'of'>;
  readonly #now: () => number;
  readonly #findingOf: (table: string) => SelfCheckFinding | null;
  readonly #tables = new RecentMap<string, Known>(REMEMBERED);

  /** `findingOf`: the last finding of the self-check. `now` is for tests: milliseconds since the epoch. */
  constructor(
    pauses: Pick<Pauses, 'isPaused' | 'paused' | 'of'>,
    now: () => number = Date.now,
    findingOf: (table: string) => SelfCheckFinding | null = () => null,
  ) {
    this.#pauses = pauses;
    this.#now = now;
    this.#findingOf = findingOf;
  }

  /** The table was read at `version`; `coveredVersion` when all its indexes cover that one. */
  observed(table: string, version: number, indexes: readonly IndexReport[], coveredVersion?: number): void {
    this.#note(table, {
      version,
      missing_fragments: Math.max(0, ...indexes.map(({ missingFragments }) => missingFragments)),
      held_rows: Math.max(0, ...indexes.map(({ heldRows }) => heldRows)),
      segments: indexes.reduce((sum, { segments }) => sum + segments, 0),
      ...(coveredVersion === undefined ? {} : { covered_version: coveredVersion }),
    });
  }

  /** Work on the table succeeded. */
  succeeded(table: string): void {
    this.#note(table, { failure: null });
  }

  /** Work on the table failed and is tried again in `nextTryMs` milliseconds. */
  failed(table: string, { code, message }: SegmentdError, nextTryMs: number): void {
    const count = (this.#tables.get(table)?.failure?.count ?? 0) + 1;
    const next_try_at = new Date(this.#now() + nextTryMs).toISOString();
    this.#note(table, { failure: { code, message, count, next_try_at } });
  }

  /** The table must not be written. Returns whether that is news: it was not declined before, or for another reason. */
  declined(table: string, { code, message }: Pick<SegmentdError, 'code' | 'message'>): boolean {
    const before = this.#tables.get(table)?.declined?.code;
    this.#note(table, { declined: { code, message }, failure: null });
    return before !== code;
  }

  /** Indexes of the table that are left alone. Returns whether that is news: others than before, or for other reasons. */
  leftAlone(table: string, left: readonly LeftAlone[]): boolean {
    const before = this.#tables.get(table)?.left_alone ?? [];
    const named = (all: readonly LeftAlone[]) => all.map(({ index, code }) => `${index} ${code}`).join('\n');
    if (named(before) === named(left)) return false;
    this.#note(table, { left_alone: left });
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
    return this.#tables.delete(table);
  }

  /** The status of a table; of an unknown one, nothing but its name. */
  of(table: string): TableStatus {
    const known = this.#tables.get(table) ?? UNKNOWN;
    const pause = this.#pauses.of(table);
    return {
      table,
      state: this.#stateOf(table, known),
      pause: pause && { since: new Date(pause.sinceMs).toISOString(), by: pause.by },
      self_check: pause?.by === SELF_CHECK ? this.#findingOf(table) : null,
      ...known,
    };
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

  /** Declined tables by the code of the reason. */
  get declinedByReason(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { declined } of this.#tables.values()) {
      if (declined) counts.set(declined.code, (counts.get(declined.code) ?? 0) + 1);
    }
    return counts;
  }

  #stateOf(table: string, { declined, failure }: Known): TableStatus['state'] {
    if (declined) return 'declined';
    if (this.#pauses.isPaused(table)) return 'paused';
    return failure ? 'retrying' : 'served';
  }

  #note(table: string, news: Partial<Known>): void {
    const next = { ...(this.#tables.get(table) ?? UNKNOWN), ...news };
    this.#tables.set(table, next);
  }
}

type Measured = { readonly name: string; readonly coverage: Coverage; readonly segments: number };

/** An index in numbers. A gap is at least as old as `versionMs`, the time of the version that shows it. */
export function indexReport({ name, coverage, segments }: Measured, versionMs: number): IndexReport {
  return {
    name,
    missingRows: coverage.missingRows,
    missingFragments: coverage.missing.length,
    heldRows: coverage.heldRows,
    coverage: coverageRatio(coverage),
    segments,
    lagSeconds: coverage.missing.length > 0 ? Math.max(0, (Date.now() - versionMs) / 1000) : 0,
  };
}

/** The maintained indexes as the manifest shows them. */
export function indexReports(states: readonly IndexState[], { timestampMs }: Manifest): IndexReport[] {
  return states.map(({ name, coverage, segments }) =>
    indexReport({ name, coverage, segments: segments.length }, timestampMs),
  );
}
