/** Checks that the demo did what it says: by LanceDB's own eyes and in the store. */
import { createHash } from 'node:crypto';
import { connect } from '@lancedb/lancedb';
import { localStore } from '../src/store/local-store.ts';
import type { ObjectStore } from '../src/store/object-store.ts';
import { nameOf, people, TABLE } from './people.ts';

type StorageOptions = Record<string, string>;

/** Digest of every file of every segment, by segment. `table`: its folder, or its store. */
export async function segmentDigests(table: string | ObjectStore): Promise<Map<string, string>> {
  const store = typeof table === 'string' ? localStore(table) : table;
  const digests = new Map<string, string>();
  for (const segment of (await store.folders('_indices')) ?? []) {
    const hash = createHash('sha256');
    const names = (await store.list(`_indices/${segment}`)).map(({ name }) => name);
    for (const file of names.sort((a, b) => a.localeCompare(b))) {
      hash.update(file).update((await store.read(`_indices/${segment}/${file}`))?.content ?? '');
    }
    digests.set(segment, hash.digest('hex'));
  }
  return digests;
}

/** Whether every segment of `before` is still there, byte for byte. */
export function untouched(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): boolean {
  return [...before].every(([segment, digest]) => after.get(segment) === digest);
}

/** Looks a row up by each key: did the plan use the index, and was it the right row? */
export async function lookUp(database: string, id: number, storageOptions: StorageOptions = {}) {
  const connection = await connect(database, { storageOptions });
  const table = await connection.openTable(TABLE);
  let usedIndex = true;
  let correct = true;
  for (const filter of [`id = ${id}`, `name = '${nameOf(id)}'`]) {
    const query = table.query().where(filter);
    usedIndex &&= (await query.explainPlan(true)).includes('ScalarIndexQuery');
    const rows = (await query.toArray()) as { id: bigint | number; name: string }[];
    correct &&= rows.length === 1 && Number(rows[0]?.id) === id && rows[0]?.name === nameOf(id);
  }
  table.close();
  connection.close();
  return { usedIndex, correct };
}

/**
 * Milliseconds of one `optimize()` after one more append to a copy of the table that only `optimize()` ever kept: its index is
 * one segment, nothing is left to compact, and what remains is the rewrite of the index.
 */
export async function steadyStateOptimizeMs(
  copy: string,
  from: number,
  rows: number,
  storageOptions: StorageOptions = {},
): Promise<number> {
  const connection = await connect(copy, { storageOptions });
  const table = await connection.openTable(TABLE);
  await table.add(people(from, rows));
  const start = performance.now();
  const { compaction } = await table.optimize();
  const ms = performance.now() - start;
  table.close();
  connection.close();
  if (compaction.fragmentsRemoved > 0) throw new Error('optimize() compacted: not the steady state');
  return ms;
}
