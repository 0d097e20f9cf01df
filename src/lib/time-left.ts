/** Whole milliseconds that are left of `ms` at each call, 0 when they are over: several steps share what somebody is ready to wait. */
export function timeLeft(ms: number, now: () => number = () => performance.now()): () => number {
  const endMs = now() + ms;
  return () => Math.max(0, Math.round(endMs - now()));
}
