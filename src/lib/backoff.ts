/** The bounds of a wait that grows, milliseconds. */
type Backoff = { readonly initialMs: number; readonly maxMs: number };

/** For everything that waits until a Kafka broker or one of its topics is there again. */
export const RECONNECT: Backoff = { initialMs: 500, maxMs: 10_000 };

/**
 * Milliseconds to wait after so many failures in a row, 1 or more. Doubles from `initialMs` up to `maxMs`; up to a quarter of it
 * is taken off, so that those that failed together do not return together. `random` gives numbers from 0 to 1.
 */
export function backoffMs({ initialMs, maxMs }: Backoff, failures: number, random: () => number = Math.random): number {
  const full = Math.min(maxMs, initialMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(full * (1 - random() / 4));
}
