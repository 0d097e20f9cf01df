import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Index } from '@lancedb/lancedb';
import { expect, test } from 'vitest';
import { inspectTable } from '../../../src/lance/inspect/inspect.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { versionFileName } from '../../../src/lib/manifest-name.ts';
import { localStore } from '../../../src/store/local-store.ts';
import type { RealTable } from '../../../testing/lance-table.ts';
import { digests, index, latest, realTable } from '../../../testing/lance-table.ts';
import { people } from './people.ts';

/** The footer of a manifest file, and the length before its last section. */
const FOOTER = 16;

/** Rewrites the latest manifest of a table: `edit` gets the message and returns another. */
async function editManifest({ uri, table }: RealTable, edit: (message: Buffer) => Buffer): Promise<void> {
  const path = join(uri, '_versions', versionFileName('V2', await table.version()));
  const file = await readFile(path);
  const offset = Number(file.readBigUInt64LE(file.length - FOOTER));
  const message = edit(file.subarray(offset + 4, file.length - FOOTER));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(message.length);
  await writeFile(path, Buffer.concat([file.subarray(0, offset), length, message, file.subarray(-FOOTER)]));
}

/** A protobuf scalar that stands twice has its last value: setting flags is appending them. */
const withFlags = (reader: number[], writer: number[]) => (message: Buffer) =>
  Buffer.concat([message, Buffer.from([0x48, ...reader, 0x50, ...writer])]);

test.each<[string, (message: Buffer) => Buffer]>([
  ['table_stable_row_ids', withFlags([2], [2])],
  ['table_data_overlays', withFlags([64], [64])],
  ['table_covering_index', withFlags([0x80, 1], [0x80, 1])],
  ['table_mixed_versions_flag', withFlags([0x80, 2], [0])],
  ['table_unknown_reader_flag', withFlags([0x80, 0x80, 1], [0])],
  ['table_unknown_writer_flag', withFlags([0], [0x80, 0x80, 1])],
])('%s: nothing is written, and status says why', async (code, edit) => {
  const real = await realTable(people(0, 20));
  await real.table.createIndex('id', { config: Index.btree() });
  await real.table.add(people(20, 20));
  await editManifest(real, edit);
  const before = await digests(real.database);
  await expect(index(real.uri)).rejects.toMatchObject({ code });
  expect(await digests(real.database)).toEqual(before);
  const facts = await inspectTable(new LanceTable(localStore(real.uri)));
  expect(facts.declined?.code).toBe(code);
  expect(facts.indexes).toMatchObject([{ name: 'id_idx', missing_rows: 20, coverage: 0.5 }]);
});

test.each([
  ['column_not_found', [{ column: 'nope' }]],
  ['index_name_taken', [{ column: 'name', name: 'id_idx' }]],
] as const)('%s: nothing is written', async (code, wanted) => {
  const { table, uri, database } = await realTable(people(0, 20));
  await table.createIndex('id', { config: Index.btree() });
  const before = await digests(database);
  await expect(index(uri, { wanted })).rejects.toMatchObject({ code });
  expect(await digests(database)).toEqual(before);
});

test('a table that is damaged is left alone', async () => {
  const real = await realTable(people(0, 20));
  await editManifest(real, (message) => message.fill(0xff, 20, 60));
  const before = await digests(real.database);
  await expect(index(real.uri)).rejects.toMatchObject({ code: 'table_unreadable' });
  expect(await digests(real.database)).toEqual(before);
});

test('an edit that changes nothing leaves a table that is served', async () => {
  const real = await realTable(people(0, 20));
  await editManifest(real, withFlags([0], [0]));
  await index(real.uri, { wanted: [{ column: 'id' }] });
  expect((await latest(real.uri)).indexes).toHaveLength(1);
});
