/** A store whose every creation of a version waits to be let through, and then meets the fate it is given. */
import { SegmentdError } from '../../../src/lib/errors.ts';
import type { ObjectStore, PutResult } from '../../../src/store/object-store.ts';
import type { PutFate } from './steps.ts';

export type GatedStore = {
  readonly store: ObjectStore;
  /** Resolves when a put waits; one at a time. */
  arrival(): Promise<'waiting'>;
  letThrough(fate: PutFate): void;
};

/** `late` collects puts that were given up by their caller and may still land. */
export function gatedStore(inner: ObjectStore, late: (() => Promise<PutResult>)[]): GatedStore {
  let arrived = Promise.withResolvers<'waiting'>();
  let fate = Promise.withResolvers<PutFate>();
  return {
    store: {
      ...inner,
      async putIfAbsent(key, parts, after) {
        // A put that waits for the gate has checked all files: it cannot notice what happens to them now.
        await after;
        fate = Promise.withResolvers();
        arrived.resolve('waiting');
        const put = () => inner.putIfAbsent(key, parts);
        switch (await fate.promise) {
          case 'lands':
            return put();
          case 'lands-unheard':
            await put();
            throw new SegmentdError('store_unavailable', 'the answer was lost');
          case 'lost':
            throw new SegmentdError('store_unavailable', 'the request was lost');
          case 'late':
            late.push(put);
            throw new SegmentdError('store_unavailable', 'no answer in time');
          case 'refused':
            throw new SegmentdError('store_full', 'no space left');
        }
      },
    },
    arrival: () => arrived.promise,
    letThrough(given) {
      arrived = Promise.withResolvers();
      fate.resolve(given);
    },
  };
}
