/** Since when each index misses something. */

type Gap = { readonly name: string; readonly missingFragments: number; readonly lagSeconds: number };

/** Of nearly all tables, of which there may be very many. */
const NO_GAPS: ReadonlyMap<string, number> = new Map();

/**
 * When the gap of each index began, in milliseconds since the epoch; indexes without a gap are left out. A table that is written to all
 * the time shows a young version at every look, so the begin of a gap only moves back, never forward, until the gap is closed. `before`:
 * what the last look gave.
 */
export function gapStarts(
  before: ReadonlyMap<string, number> | undefined,
  indexes: readonly Gap[],
  nowMs: number,
): ReadonlyMap<string, number> {
  const open = indexes.filter(({ missingFragments }) => missingFragments > 0);
  if (open.length === 0) return NO_GAPS;
  return new Map(
    open.map(({ name, lagSeconds }) => [name, Math.min(before?.get(name) ?? nowMs, nowMs - lagSeconds * 1000)]),
  );
}
