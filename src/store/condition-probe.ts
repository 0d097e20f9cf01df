/**
 * Proves that a store keeps the promise on which commits rest: what is to be created only if it is not there must never overwrite. Some
 * stores take the condition and ignore it, and two writers would then both believe that they made the same version of a table.
 */
import { randomUUID } from 'node:crypto';
import { SegmentdError } from '../lib/errors.ts';
import { RecentMap } from '../lib/recent-map.ts';

/** What the probe asks of the store. Errors: SegmentdErrors. */
export type ProbedStore = {
  /** Of the database, for messages. */
  readonly root: string;
  /** Creates an object directly in the database. */
  create(name: string, content: Uint8Array): Promise<'created' | 'exists'>;
  remove(name: string): Promise<void>;
};

/** Hidden beside the tables. One may be left behind when the process is killed in the middle. */
const PROBE = '.segmentd-probe-';
const CONTENT = new TextEncoder().encode(
  'segmentd creates this object twice, expects the second time to fail, and removes it\n',
);

const MOST_DATABASES = 10_000;
const proofs = new RecentMap<string, Promise<void>>(MOST_DATABASES);

/**
 * Creates an object twice, and removes it. Done once for each `identity`, which names the database and how it is reached; what failed is
 * done again the next time. Errors: store_unfit when the second creation succeeds as well, or the store says that it knows no conditions;
 * else what the store said.
 */
export function proveCondition(identity: string, store: ProbedStore): Promise<void> {
  const proof = proofs.get(identity) ?? probe(store);
  proofs.set(identity, proof);
  proof.catch(() => {
    if (proofs.get(identity) === proof) proofs.delete(identity);
  });
  return proof;
}

async function probe(store: ProbedStore): Promise<void> {
  const name = `${PROBE}${randomUUID()}`;
  let outcomes: string[];
  try {
    outcomes = [await store.create(name, CONTENT), await store.create(name, CONTENT)];
  } catch (error) {
    // The object may be there. What is wrong with the store is worth more than that it cannot be removed either.
    await store.remove(name).catch(() => undefined);
    throw error;
  }
  await store.remove(name);
  if (outcomes[0] !== 'created') {
    throw new SegmentdError('store_unavailable', `${store.root} has an object ${name} that nobody can have created`);
  }
  if (outcomes[1] !== 'exists') {
    throw new SegmentdError(
      'store_unfit',
      `${store.root}: the store overwrites an object that is to be created only if it is not there`,
    );
  }
}
