/** What Lance's compaction aims at by default: fragments of fewer rows are joined with their neighbours. */
export const TARGET_ROWS_PER_FRAGMENT = 1024 * 1024;
