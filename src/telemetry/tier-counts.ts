/** The tiers of each table's segments as last seen, summed over tables for a gauge. */
import { RecentMap } from '../lib/recent-map.ts';
import type { Metrics } from './metrics.ts';

/** Sets of tiers that are remembered to be shared: most of very many tables look alike. */
const SHARED = 1_000;

type Seen = { readonly tiers: ReadonlyMap<string, number>; readonly pending: number };

export class TierCounts {
  readonly #metrics: Metrics;
  readonly #seen = new Map<string, Seen>();
  readonly #sums = new Map<string, number>();
  readonly #shared = new RecentMap<string, Seen['tiers']>(SHARED);

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  note(table: string, tiers: ReadonlyMap<string, number>, pending: number): void {
    this.#add(this.#seen.get(table)?.tiers ?? new Map(), -1);
    this.#seen.set(table, { tiers: this.#share(tiers), pending });
    this.#add(tiers, 1);
  }

  forget(table: string): void {
    this.note(table, new Map(), 0);
    this.#seen.delete(table);
  }

  /** Merges due, of all tables. */
  get pending(): number {
    let sum = 0;
    for (const { pending } of this.#seen.values()) sum += pending;
    return sum;
  }

  #share(tiers: Seen['tiers']): Seen['tiers'] {
    const key = [...tiers].join();
    const known = this.#shared.get(key);
    if (!known) this.#shared.set(key, tiers);
    return known ?? tiers;
  }

  #add(tiers: ReadonlyMap<string, number>, sign: 1 | -1): void {
    for (const [tier, count] of tiers) {
      const sum = (this.#sums.get(tier) ?? 0) + sign * count;
      this.#sums.set(tier, sum);
      this.#metrics.set('tier_segments', { tier }, sum);
    }
  }
}
