/**
 * What an operator asked of tables and is not done yet: merges, or housekeeping. A table has one piece of it at a time. Kept in memory
 * alone: what a process that ends has not done is asked for again.
 */
import type { TableRef } from '../model.ts';

export class AskedWork<What> {
  readonly #asked = new Map<string, What>();
  readonly #listeners: ((table: TableRef) => void)[] = [];

  /** Returns false when the table has such work already, which goes on as it was asked for. */
  ask(table: TableRef, what: What): boolean {
    if (this.#asked.has(table.id)) return false;
    this.#asked.set(table.id, what);
    for (const listener of this.#listeners) listener(table);
    return true;
  }

  /** Calls `listener` for each table that work is asked of. */
  onAsked(listener: (table: TableRef) => void): void {
    this.#listeners.push(listener);
  }

  /** What was asked of the table and is not done. */
  of(table: string): What | undefined {
    return this.#asked.get(table);
  }

  /** It is done, failed, or has become another member's. */
  done(table: string): void {
    this.#asked.delete(table);
  }
}
