/** The last changes that this process made to tables: the newest of all, and the newest of each table, in bounded memory. */
import type { Notification } from '../model.ts';

/** `append`: fresh data was indexed. `merge`: larger segments replaced smaller ones. `maintenance`: housekeeping. */
export const CHANGE_KINDS = ['append', 'merge', 'maintenance'] as const;

export type TableChange = {
  /** ISO 8601. */
  readonly at: string;
  readonly table: string;
  readonly kind: (typeof CHANGE_KINDS)[number];
  /** The version that it made. */
  readonly version: number;
  /** Rows that the new segments cover, in the index that got most; 0 of housekeeping. */
  readonly rows: number;
  /** New segments, of all indexes; those that housekeeping replaced. */
  readonly segments: number;
  /** The commit, or the whole run of housekeeping. */
  readonly duration_ms: number;
};

export type NewChange = Omit<TableChange, 'at'>;

const OF_ALL = 20;
const OF_ONE = 50;
/** Of all tables together: some megabytes. Tables that changed the longest time ago lose theirs first. */
const KEPT = 50_000;

export class RecentChanges {
  #newest: readonly TableChange[] = [];
  /** Oldest first; the table that changed last comes last. */
  readonly #byTable = new Map<string, TableChange[]>();
  #kept = 0;

  /** Of all tables, newest first: at most 20. */
  get newest(): readonly TableChange[] {
    return this.#newest;
  }

  note(change: TableChange): void {
    this.#newest = [change, ...this.#newest].slice(0, OF_ALL);
    const own = this.#byTable.get(change.table) ?? [];
    this.#byTable.delete(change.table);
    this.#byTable.set(change.table, own);
    own.push(change);
    this.#kept += 1;
    if (own.length > OF_ONE) {
      own.shift();
      this.#kept -= 1;
    }
    for (const [table, changes] of this.#byTable) {
      if (this.#kept <= KEPT) break;
      this.#kept -= changes.length;
      this.#byTable.delete(table);
    }
  }

  /** Of one table, newest first: at most 50. */
  of(table: string): TableChange[] {
    return [...(this.#byTable.get(table) ?? [])].reverse();
  }

  /** Forgets those of one table; what happened stays among the newest of all. */
  forget(table: string): void {
    this.#kept -= this.#byTable.get(table)?.length ?? 0;
    this.#byTable.delete(table);
  }
}

/** The change that a notification tells of; null for one that tells of none. */
export function changeOf(notification: Notification): NewChange | null {
  if (notification.type === 'table.status') return null;
  const { type, table, version, duration_ms, segments } = notification;
  const byIndex = new Map<string, number>();
  for (const { index, rows } of segments) byIndex.set(index, (byIndex.get(index) ?? 0) + rows);
  return {
    table,
    kind: type === 'segment.merged' ? 'merge' : 'append',
    version,
    rows: Math.max(0, ...byIndex.values()),
    segments: segments.length,
    duration_ms,
  };
}
