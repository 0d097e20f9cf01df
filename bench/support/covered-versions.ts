/** What somebody else tells of how far the indexes of tables have come, for those who wait for a version. */

type Covered = { readonly version: number; readonly ms: number };
type Waiting = { readonly version: number; readonly resolve: (ms: number) => void };

export class CoveredVersions {
  readonly #covered = new Map<string, Covered>();
  readonly #waiting = new Map<string, readonly Waiting[]>();

  /** The indexes of the table cover this version, since so many milliseconds after the epoch. */
  note(table: string, version: number, ms: number): void {
    this.#covered.set(table, { version, ms });
    const waiting = this.#waiting.get(table) ?? [];
    for (const it of waiting) if (it.version <= version) it.resolve(ms);
    this.#waiting.set(
      table,
      waiting.filter((it) => it.version > version),
    );
  }

  /** Resolves when this version of the table is covered; when that was, in milliseconds since the epoch. */
  at(table: string, version: number): Promise<number> {
    const done = this.#covered.get(table);
    if (done && done.version >= version) return Promise.resolve(done.ms);
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#waiting.set(table, [...(this.#waiting.get(table) ?? []), { version, resolve }]);
    return promise;
  }
}
