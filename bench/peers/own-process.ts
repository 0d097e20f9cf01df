/** `own-process.ts <home>`: indexes what a table misses, for each line `{"do": "index", "uri": ..., "synced": ...}`, and answers with the seconds it took. */
import { createInterface } from 'node:readline';
import { LanceTable } from '../../src/lance/table/table.ts';
import { localStore } from '../../src/store/local-store.ts';
import { indexOnce, msOf } from '../support/index-once.ts';
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

type Request = { readonly uri: string; readonly synced: boolean };

for await (const line of createInterface({ input: process.stdin })) {
  const { uri, synced } = JSON.parse(line) as Request;
  const answer = await indexOnce(tableAt(uri, synced), builder).then(
    (batch) => ({ seconds: msOf(batch) / 1000 }),
    (error: unknown) => ({ error: String(error) }),
  );
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
