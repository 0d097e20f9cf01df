/** How long to wait after a conflict for the next version of a table. Pure. Figures: docs/performance.md. */

/** Bounds of the longest wait, milliseconds. A disk's commits are soon over; those of an object store are not. */
const LONGEST_MS = { least: 1_000, most: 30_000 };

/**
 * The longest wait by the length of an attempt. Commits of all writers go one after the other, so of sixty writers at once the last
 * waits for about sixty attempts; half of twice 32 on average.
 */
const ATTEMPTS_WAITED = 32;

/**
 * Milliseconds to wait, anything up to a bound that doubles with each conflict: `firstMs` after the first, or what an attempt takes, `attemptMs`, where that is less: whoever
 * was faster is done by then. At most it is 32 times that, within a second and half a minute.
 */
export function conflictBackoffMs(
  conflicts: number,
  { firstMs, attemptMs }: { readonly firstMs: number; readonly attemptMs: number },
  random: () => number = Math.random,
): number {
  const longest = Math.min(LONGEST_MS.most, Math.max(LONGEST_MS.least, ATTEMPTS_WAITED * attemptMs));
  return random() * Math.min(longest, Math.min(firstMs, attemptMs) * 2 ** Math.min(conflicts - 1, 30));
}
