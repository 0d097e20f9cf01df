/** What somebody else tells of how far the indexes of tables have come, for those who wait for a version. */

type Covered = { readonly version: number; readonly ms: number };
type Waiting = Pick<PromiseWithResolvers<number>, 'resolve' | 'reject'> & { readonly version: number };

export class CoveredVersions {
  readonly #covered = new Map<string, Covered>();
  readonly #waiting = new Map<string, readonly Waiting[]>();
  #ended: Error | undefined;

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

  /** Nothing more is told: who waits, now or later, waits in vain. */
  end(why: Error): void {
    this.#ended = why;
    for (const waiting of this.#waiting.values()) for (const it of waiting) it.reject(why);
    this.#waiting.clear();
  }

  /** Resolves when this version of the table is covered; when that was, in milliseconds since the epoch. Rejects once the telling has ended. */
  at(table: string, version: number): Promise<number> {
    const done = this.#covered.get(table);
    if (done && done.version >= version) return Promise.resolve(done.ms);
    if (this.#ended) return Promise.reject(this.#ended);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#waiting.set(table, [...(this.#waiting.get(table) ?? []), { version, resolve, reject }]);
    return promise;
  }
}
