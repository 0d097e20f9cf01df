/**
 * Whether rows of a table were only deleted, and none restored, since a version. Then a fragment whose deletion file was replaced by
 * another has no row that a build of that version did not read: a delete keeps what was deleted before. A restore to an older version
 * does not, nor need a later delete show that it happened, so what counts is each transaction in between.
 */
import { transactionOf } from '../codec/manifest-transaction.ts';
import type { LanceTable } from './table.ts';

/**
 * Operations after which no deleted row of a fragment that stays is back. An Overwrite or a Restore may bring rows back; a Merge
 * and the others that are left out list fragments as their maker says.
 */
const BRINGS_NOTHING_BACK: ReadonlySet<string> = new Set([
  ...['Append', 'Delete', 'Update', 'Rewrite', 'Project'],
  ...['CreateIndex', 'ReserveFragments', 'UpdateConfig'],
]);

type RowHistoryLimits = {
  /** Most versions to read for one commit, and most bytes of manifests. */
  readonly versions: number;
  readonly bytes: number;
};

/** Upserts ten times a second under a build of a minute and a half; 64 MiB of manifests are read in a tenth of a second. */
const LIMITS: RowHistoryLimits = { versions: 1_000, bytes: 64 * 1024 * 1024 };
const READ_AT_ONCE = 8;

export class RowHistory {
  readonly #table: LanceTable;
  readonly #limits: RowHistoryLimits;
  #proven: number;
  #read = { versions: 0, bytes: 0 };
  #failed = false;

  /** Of what came after version `since`. */
  constructor(table: LanceTable, since: number, limits = LIMITS) {
    this.#table = table;
    this.#limits = limits;
    this.#proven = since;
  }

  /** Whether it is certain up to this version; what was proven once is not read again. Errors: table_unreadable, store_*. */
  async noRowsRestoredUpTo(version: number): Promise<boolean> {
    while (!this.#failed && this.#proven < version) {
      const versions = Math.min(READ_AT_ONCE, version - this.#proven);
      const { versions: most, bytes } = this.#limits;
      if (this.#read.versions + versions > most || this.#read.bytes >= bytes) return false;
      const next = Array.from({ length: versions }, (_, at) => this.#isHarmless(this.#proven + 1 + at));
      if ((await Promise.all(next)).every(Boolean)) this.#proven += versions;
      else this.#failed = true;
    }
    return !this.#failed;
  }

  /** A version that a cleanup deleted, or that does not carry its transaction, proves nothing. */
  async #isHarmless(version: number): Promise<boolean> {
    const file = await this.#table.manifestFile(version);
    this.#read.versions += 1;
    this.#read.bytes += file?.byteLength ?? 0;
    return file !== null && BRINGS_NOTHING_BACK.has(transactionOf(file)?.operation ?? '');
  }
}
