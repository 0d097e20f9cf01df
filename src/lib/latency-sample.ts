/** As long as Kafka keeps a record by default: one that claims to be older has a time that its producer made up. */
const OLDEST_MS = 7 * 24 * 3_600_000;
/** By how much the clocks of producers may differ from this one. */
const CLOCK_SKEW_MS = 60_000;

/**
 * Seconds since a record's time, or undefined for a time that says nothing of a delay: 0 and less, which stand for no time, and what
 * lies weeks back or in the future.
 */
export function latencySample(timestampMs: number, nowMs: number): number | undefined {
  const ageMs = nowMs - timestampMs;
  if (!(timestampMs > 0 && ageMs <= OLDEST_MS && ageMs >= -CLOCK_SKEW_MS)) return undefined;
  return Math.max(0, ageMs) / 1000;
}
