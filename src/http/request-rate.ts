/** How many requests an address makes. */
import { RecentMap } from '../lib/recent-map.ts';

/** Addresses that are remembered. One that is forgotten begins anew. */
const REMEMBERED = 1_000;

/** What an address may still ask for, and when that was so, milliseconds. */
type Bucket = { left: number; atMs: number };

export class RequestRate {
  readonly #now: () => number;
  readonly #buckets = new RecentMap<string, Bucket>(REMEMBERED);

  /** `now` is for tests: milliseconds of a clock that only goes forward. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Counts a request of `address`. False for one that is more than `perSecond`; after a pause as many may come at once. */
  take(address: string, perSecond: number): boolean {
    const atMs = this.#now();
    const { left, atMs: beforeMs } = this.#buckets.get(address) ?? { left: perSecond, atMs };
    const now = Math.min(perSecond, left + ((atMs - beforeMs) / 1000) * perSecond);
    const isFine = now >= 1;
    this.#buckets.set(address, { left: isFine ? now - 1 : now, atMs });
    return isFine;
  }
}
