/**
 * Lets as many builds run at once as fit a number of bytes, in order of arrival. Merges hold at most half of them, and a build of fresh
 * data that finds no other one running starts whatever merges hold: a large merge takes minutes, and the engine frees memory by
 * spilling it to disk.
 */
import type { BuildPurpose } from '../segment.ts';

/**
 * What a build asks for: a number of bytes; `whole`, all that its purpose may hold, with no other build of the purpose beside it; or
 * `alone`, with no other build at all.
 */
export type Share = number | 'whole' | 'alone';

type Entry = { readonly purpose: BuildPurpose; readonly share: Share; readonly start: () => void };

export class BuildAdmission {
  readonly #capacity: number;
  readonly #running = new Set<Entry>();
  #queue: Entry[] = [];

  constructor(capacityBytes: number) {
    this.#capacity = capacityBytes;
  }

  /** Whether no build of fresh data runs, and none waits. Those of merges let it go first. */
  get isIdle(): boolean {
    return ![...this.#running, ...this.#queue].some(({ purpose }) => purpose === 'fresh');
  }

  /** Builds that wait for memory. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Runs the task once its share is free; when `signal` has fired by then it is dropped instead, and the promise rejects. */
  async run<T>(purpose: BuildPurpose, share: Share, task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const { promise, resolve: start } = Promise.withResolvers<void>();
    const entry = { purpose, share, start };
    this.#queue.push(entry);
    this.#admit();
    await promise;
    try {
      signal?.throwIfAborted();
      return await task();
    } finally {
      this.#running.delete(entry);
      this.#admit();
    }
  }

  #admit(): void {
    const waiting: Entry[] = [];
    let isHeldUp = false;
    for (const entry of this.#queue) {
      if (!isHeldUp && this.#fits(entry)) {
        this.#running.add(entry);
        entry.start();
        continue;
      }
      waiting.push(entry);
      // No build overtakes the first that waits, or that one might wait for ever; but a waiting merge must not hold up fresh data.
      isHeldUp ||= !this.#waitsForMerge(entry);
    }
    this.#queue = waiting;
  }

  #fits({ purpose, share }: Entry): boolean {
    const running = [...this.#running];
    if (share === 'alone') return running.length === 0;
    if (running.some((it) => it.share === 'alone')) return false;
    const own = running.filter((it) => it.purpose === purpose);
    if (purpose === 'fresh' && own.length === 0) return true;
    const bytes = this.#bytesOf({ purpose, share });
    const free = this.#capacity - this.#held(running);
    if (purpose === 'fresh') return bytes <= free;
    return bytes <= free && bytes <= this.#mergeCapacity - this.#held(own);
  }

  #waitsForMerge({ purpose, share }: Entry): boolean {
    return purpose === 'merge' && share !== 'alone' && [...this.#running].some((it) => it.purpose === 'merge');
  }

  get #mergeCapacity(): number {
    return this.#capacity / 2;
  }

  #held(entries: readonly Entry[]): number {
    return entries.reduce((sum, entry) => sum + this.#bytesOf(entry), 0);
  }

  /** More than there is counts as all of it: such a build runs by itself, and spills. */
  #bytesOf({ purpose, share }: Pick<Entry, 'purpose' | 'share'>): number {
    const most = purpose === 'merge' ? this.#mergeCapacity : this.#capacity;
    return typeof share === 'number' ? Math.min(share, most) : most;
  }
}
