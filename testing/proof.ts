/** Checks that the demo did what it says: by LanceDB's own eyes and on the disk. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '@lancedb/lancedb';
import { nameOf, people, TABLE } from './people.ts';

/** Digest of every file of every segment, by segment. */
export async function segmentDigests(tableFolder: string): Promise<Map<string, string>> {
  const digests = new Map<string, string>();
  const root = join(tableFolder, '_indices');
  for (const segment of await readdir(root)) {
    const hash = createHash('sha256');
    for (const file of (await readdir(join(root, segment))).sort()) {
      hash.update(file).update(await readFile(join(root, segment, file)));
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
export async function lookUp(database: string, id: number) {
  const connection = await connect(database);
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
export async function steadyStateOptimizeMs(copy: string, from: number, rows: number): Promise<number> {
  const connection = await connect(copy);
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
