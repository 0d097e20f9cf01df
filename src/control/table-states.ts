/** The last known state of each table that this process works on, for `/status`. */
import type { ErrorCode } from '../lib/errors.ts';
import { RecentMap } from '../lib/recent-map.ts';

export type TableStatus = {
  readonly table: string;
  /** `retrying`: work failed and waits for its next try. */
  readonly state: 'served' | 'declined' | 'retrying';
  readonly version: number | null;
  readonly covered_version: number | null;
  readonly missing_fragments: number;
  readonly segments: number;
  readonly declined: { readonly code: ErrorCode; readonly message: string } | null;
  readonly failure: {
    readonly code: ErrorCode;
    readonly message: string;
    /** How often in a row it failed. */
    readonly count: number;
    readonly next_try_at: string;
  } | null;
};

/** Tables remembered; the least recently heard of go first. */
const REMEMBERED = 10_000;

export class TableStates {
  private readonly tables = new RecentMap<string, TableStatus>(REMEMBERED);

  /** Notes what is new about a table; the rest stays. */
  note(table: string, news: Partial<Omit<TableStatus, 'table' | 'state'>>): void {
    const next = { ...this.of(table), ...news };
    const state = next.declined ? 'declined' : next.failure ? 'retrying' : 'served';
    this.tables.set(table, { ...next, state });
  }

  /** The status of a table; that of one never heard of is empty. */
  of(table: string): TableStatus {
    return (
      this.tables.get(table) ?? {
        table,
        state: 'served',
        version: null,
        covered_version: null,
        missing_fragments: 0,
        segments: 0,
        declined: null,
        failure: null,
      }
    );
  }

  forget(table: string): void {
    this.tables.delete(table);
  }

  /** All of them, by name. */
  all(): TableStatus[] {
    return [...this.tables.values()].sort((a, b) => (a.table < b.table ? -1 : 1));
  }

  get retrying(): number {
    return [...this.tables.values()].filter(({ state }) => state === 'retrying').length;
  }
}
