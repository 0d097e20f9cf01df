/**
 * `own-process.ts <home>`: does what each line asks for, and answers with the seconds it took. `{"do": "index", "uri": ..., "synced": ...}` indexes what a
 * table misses, `{"do": "build", "uris": ..., "atOnce": ...}` builds that and no more.
 */
import { createInterface } from 'node:readline';
import { DEFAULT_POLICY } from '../../src/lance/plan/row-ids.ts';
import { planTable } from '../../src/lance/plan/table-plan.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { asyncLimit } from '../../src/lib/async-limit.ts';
import { stopwatch } from '../../src/lib/stopwatch.ts';
import { localStore } from '../../src/store/local-store.ts';
import type { Batch } from '../support/index-once.ts';
import { ALL_AT_ONCE, indexOnce, msOf } from '../support/index-once.ts';
import { openBuilder } from '../support/open-builder.ts';
import { unsyncedStore } from '../support/unsynced-store.ts';

const builder = await openBuilder(process.argv[2] ?? '');
const tables = new Map<string, LanceTable>();

/** The same one each time: a daemon remembers what it has seen of a table. */
function tableAt(uri: string, synced: boolean): LanceTable {
  const table = tables.get(uri) ?? new LanceTable(synced ? localStore(uri) : unsyncedStore(uri));
  tables.set(uri, table);
  return table;
}

const inSeconds = (batch: Batch) => Object.fromEntries(Object.entries(batch).map(([step, ms]) => [step, ms / 1000]));

type Index = { readonly do: 'index'; readonly uri: string; readonly synced: boolean };
type Build = { readonly do: 'build'; readonly uris: readonly string[]; readonly atOnce: number };

const index = async ({ uri, synced }: Index) => {
  const batch = await indexOnce(tableAt(uri, synced), builder);
  return { seconds: msOf(batch) / 1000, ...inSeconds(batch) };
};

/**
 * Builds what the tables miss, so many at once, and leaves it where it is: nothing is published, synced or committed. Nor deleted, which on some file systems makes
 * the files of the next minute dearer, for whatever is measured then.
 */
const build = async ({ uris, atOnce }: Build) => {
  const limit = asyncLimit(atOnce);
  const lap = stopwatch();
  const buildOne = async (uri: string) => {
    const table = tableAt(uri, true);
    const manifest = await table.latest();
    const { requests } = planTable(manifest, DEFAULT_POLICY, ALL_AT_ONCE);
    await builder.build(manifest, table.place(), requests);
  };
  await Promise.all(uris.map((uri) => limit.run(() => buildOne(uri))));
  return { seconds: lap() / 1000 };
};

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Index | Build;
  const answer = await (request.do === 'index' ? index(request) : build(request)).catch((error: unknown) => ({
    error: String(error),
  }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
