/** Waits for all of them to end, also when one fails: what still runs must not meet a clean-up. Rejects with the first failure. */
export async function settleAll<T>(promises: Iterable<Promise<T>>): Promise<T[]> {
  const all = [...promises];
  await Promise.allSettled(all);
  return Promise.all(all);
}
