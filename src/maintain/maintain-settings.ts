/** When a table is compacted and cleaned up, and how. */
export type MaintainSettings = {
  /** Time between two runs, milliseconds; null: none by schedule. */
  readonly everyMs: number | null;
  /** Small fragments that make a run due; null: none by these. */
  readonly smallFragments: number | null;
  /** Share of deleted rows that makes a run due, 0 to 1; null: none by these. */
  readonly deletedFraction: number | null;
  /** Versions that are older than this go, milliseconds. */
  readonly keepVersionsMs: number;
  /** What the process that compacts may take. */
  readonly maxMemoryBytes: number;
};
