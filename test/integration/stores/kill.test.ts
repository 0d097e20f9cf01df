/** segmentd is killed at the requests that it sends to an S3 server, starts again, and nothing is lost. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { asyncLimit } from '../../../src/lib/async-limit.ts';
import { LONG } from '../../../testing/long.ts';
import type { S3Server } from '../../../testing/stores/s3-access.ts';
import { startS3Server } from '../../../testing/stores/s3-server.ts';
import { startStoreProxy } from '../../../testing/stores/store-proxy.ts';
import { fileSetup } from '../kill/file-setup.ts';
import type { Leftovers, RoundsSetup } from '../kill/kill-rounds.ts';
import { runRounds } from '../kill/kill-rounds.ts';
import type { StoreKill } from './store-kills.ts';
import { killAt, killsOfBatches, killsOfMerges, killsOfProbes } from './store-kills.ts';

let server: S3Server;
beforeAll(async () => {
  server = await startS3Server();
  await server.makeBucket('lake');
});
afterAll(() => server?.stop());

let databases = 0;

type Merging = 'along' | 'alone';

/**
 * With an index of two segments too many, each batch is followed by a merge. Else merges wait for the next batch: by the third append the
 * segments of two are due.
 */
async function setup(merging: Merging): Promise<RoundsSetup<StoreKill>> {
  const proxy = await startStoreProxy(server.endpoint);
  onTestFinished(() => proxy.stop());
  const place = {
    uri: `s3://lake/db${databases++}`,
    storageOptions: { ours: server.storageOptions, theirs: server.storageOptionsAt(proxy.url) },
  };
  const merge = merging === 'alone' ? { max_segments: 1 } : {};
  return {
    ...(await fileSetup(place, { merge, batch: { min_interval_ms: 0 } })),
    arm: async ({ pid }, kill) => killAt(proxy, pid, kill),
    ...(merging === 'along' ? { appends: 3, leavesMerges: true } : {}),
  };
}

async function killAll(merging: Merging, kills: readonly StoreKill[]): Promise<Leftovers> {
  const rounds = await setup(merging);
  let hits = 0;
  const left = await runRounds(rounds, kills, () => {
    hits += 1;
  });
  const { merges, mergesWithBatch } = rounds.world;
  const counts = `${merges} merges, ${mergesWithBatch} of them with a batch, ${left.folders} segments left behind`;
  process.stdout.write(`killed ${hits} times at requests, merges ${merging}: ${counts}\n`);
  expect(hits).toBe(kills.length);
  expect(merging === 'along' ? mergesWithBatch : merges - mergesWithBatch, 'merges that landed').toBeGreaterThan(0);
  return left;
}

/** The first round begins with a process that has proven nothing yet. The third commit is one of a merge, with a batch or alone. */
const SHORT: Readonly<Record<Merging, readonly StoreKill[]>> = {
  along: [
    { at: 'the second creation of the probe', nth: 1, side: 'after' },
    { at: 'a file of the segment', nth: 1, side: 'before' },
    { at: 'the manifest', nth: 3, side: 'before' },
    { at: 'the transaction', nth: 3, side: 'after' },
    { at: 'the manifest', nth: 3, side: 'after' },
    { at: 'a file of the segment', nth: 13, side: 'after' },
  ],
  alone: [
    { at: 'the first creation of the probe', nth: 1, side: 'after' },
    { at: 'the data that is read', nth: 2, side: 'after' },
    { at: 'the manifest', nth: 2, side: 'after' },
    { at: 'the manifest', nth: 3, side: 'before' },
    { at: 'the manifest', nth: 3, side: 'after' },
    { at: 'the listing afterwards', nth: 1, side: 'before' },
  ],
};

const EVERY = [...killsOfBatches(), ...killsOfMerges()];
/** At each request of several batches, on both sides, which takes some minutes: with SEGMENTD_STORE_KILLS=all. */
const LONG_KILLS: typeof SHORT = { along: EVERY, alone: EVERY };

test('killed at any request, it continues where it was', { timeout: 1_200_000 }, async () => {
  const kills = process.env.SEGMENTD_STORE_KILLS === 'all' ? LONG_KILLS : SHORT;
  const left = await Promise.all([killAll('along', kills.along), killAll('alone', kills.alone)]);
  // Deaths between uploading and the commit leave segments.
  expect(left.some(({ folders }) => folders > 0)).toBe(true);
});

test.runIf(LONG)('killed before it has proven that the store honours conditions, it proves that again', async () => {
  const limit = asyncLimit(2);
  const hits: StoreKill[] = [];
  await Promise.all(
    killsOfProbes().map((kill) =>
      limit.run(async () => runRounds(await setup('along'), [kill], (hit) => hits.push(hit))),
    ),
  );
  expect(hits).toHaveLength(killsOfProbes().length);
});
