/** The main job and faults on emulators of Azure and Google Cloud: what they prove of the clouds is said in docs/object-stores.md. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LONG } from '../../../testing/long.ts';
import { startAzurite } from '../../../testing/stores/azurite.ts';
import { startGcsServer } from '../../../testing/stores/gcs-server.ts';
import { GO_BUILD_MS, hasGo } from '../../../testing/stores/go-tool.ts';
import type { StoreServer } from '../../../testing/stores/store-server.ts';
import { FaultyTable, isForImpatient, MERGED_ALONE, MERGED_ALONG, OF_BATCH, TROUBLES } from './fault-cases.ts';
import { runEvent, storeTable } from './s3-table.ts';
import { TableWatch, wrongLookups } from './table-watch.ts';

const APPENDS = 5;

const VICTIMS = ['the manifest', ...(LONG ? (['a file of the segment', 'the transaction'] as const) : [])] as const;

/** Clients of these stores have no time limit that could be set to less than half a minute. */
const troubles = Object.entries(TROUBLES).filter(([, trouble]) => !isForImpatient(trouble));

/** `bucket`: the URI of a bucket or container that the server has. */
function cloud(name: string, bucket: string, start: () => Promise<StoreServer>): void {
  describe(name, () => {
    let server: StoreServer;
    beforeAll(async () => {
      server = await start();
    }, GO_BUILD_MS);
    afterAll(() => server?.stop());

    async function openTable(columns: readonly string[]): Promise<FaultyTable> {
      const table = await storeTable(server, bucket, columns);
      return new FaultyTable(table, await TableWatch.of(table));
    }

    test('appends are covered and merged, and LanceDB looks them up by the index', async () => {
      const it = await openTable(['id', 'name']);
      const context = await it.table.context();
      for (let append = 0; append < APPENDS; append++) {
        const event = { table: it.table.ref, version: await it.append() };
        expect((await runEvent(context, event, { settings: MERGED_ALONG, concurrency: 1 })).acks()).toBe(1);
        expect(await it.watch.faults()).toEqual([]);
      }
      await runEvent(context, { table: it.table.ref }, { settings: MERGED_ALONE, concurrency: 1 });
      expect(await it.watch.faults()).toEqual([]);
      expect(it.watch.merges).toBeGreaterThan(0);
      expect(await wrongLookups(it.table, server, it.appended)).toEqual([]);
    });

    test.each(VICTIMS)('any trouble at %s', async (at) => {
      const it = await openTable(['id']);
      const contexts = [await it.table.context()];
      const victim = OF_BATCH[at];
      const found: string[] = [];
      for (const [what, trouble] of troubles.filter(([, { matters }]) => LONG || matters.includes(victim.kind))) {
        const faults = await it.faultsOf({ victim, trouble, contexts });
        found.push(...faults.map((fault) => `${what}: ${fault}`));
      }
      expect(found).toEqual([]);
      expect(await wrongLookups(it.table, server, it.appended)).toEqual([]);
    });
  });
}

cloud('Azure Blob Storage', 'az://lake', async () => {
  const azurite = await startAzurite();
  await azurite.makeContainer('lake');
  return azurite;
});

if (hasGo()) {
  cloud('Google Cloud Storage', 'gs://lake', async () => {
    const gcs = await startGcsServer();
    await gcs.makeBucket('lake');
    return gcs;
  });
}
