/**
 * A table that names a data file which is not there cannot be built over, now or later. `segmentd index` said that other writers kept
 * taking the next version, the daemon that the table had moved, again and again; neither named the file.
 */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Index } from '@lancedb/lancedb';
import { expect, test } from 'vitest';
import { lanceSegmentBuilder } from '../../src/lance/engine/segment-builder.ts';
import { DEFAULT_POLICY } from '../../src/lance/plan/row-ids.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { planMerges } from '../../src/merge/merge-plan.ts';
import { mergeTable } from '../../src/merge/merge-table.ts';
import { planMergeTo } from '../../src/merge/policy/reduce-to.ts';
import { localStore } from '../../src/store/local-store.ts';
import { segmentd } from '../../testing/cli.ts';
import { idsWhere, index, realTable } from '../../testing/lance-table.ts';
import { people } from '../../testing/people.ts';
import { tempDir } from '../../testing/temp-dir.ts';

/** A table of two fragments, the first of them indexed, and the path of the second one's data file. */
async function twoFragments() {
  const { table, uri } = await realTable(people(0, 100));
  await table.createIndex('id', { config: Index.btree() });
  const before = new Set(await readdir(join(uri, 'data')));
  await table.add(people(100, 100));
  const name = (await readdir(join(uri, 'data'))).find((it) => !before.has(it)) as string;
  return { table, uri, name, file: join(uri, 'data', name) };
}

test('index names the file, the fragment and the version, and what to do', async () => {
  const { uri, file, name } = await twoFragments();
  await rm(file);
  const { code, stderr } = await segmentd(['index', uri]);
  expect([code, stderr]).toEqual([65, expect.stringContaining('table_data_file_missing')]);
  expect(stderr).toContain(`fragment 1 of version 3 names data/${name}, which is not there`);
  expect(stderr).toContain('restore');
});

test('a file that was cut short is reported too, and the table is served once the file is back', async () => {
  const { table, uri, file } = await twoFragments();
  const bytes = await readFile(file);
  await writeFile(file, bytes.subarray(0, 100));
  await expect(index(uri)).rejects.toMatchObject({ code: 'table_data_file_missing' });
  await writeFile(file, bytes);
  await index(uri);
  await table.checkoutLatest();
  expect(await idsWhere(table, 'id = 150')).toEqual([150]);
});

test('a missing deletion file is reported as well', async () => {
  const { table, uri } = await twoFragments();
  await table.delete('id = 150');
  await rm(join(uri, '_deletions'), { recursive: true });
  await expect(index(uri)).rejects.toMatchObject({
    code: 'table_data_file_missing',
    message: expect.stringMatching(/fragment 1 of version 4 names _deletions\/1-\S+, which is not there/),
  });
});

test('a merge ends with the same error', async () => {
  const { uri, file } = await twoFragments();
  await index(uri);
  await rm(file);
  const table = new LanceTable(localStore(uri));
  const manifest = await table.latest();
  const plan = planMerges(manifest, DEFAULT_POLICY, (segments) => planMergeTo(segments, 1));
  const merge = mergeTable(table, manifest, plan, {
    builder: lanceSegmentBuilder(await tempDir()),
    commit: { maxAttempts: 3, initialBackoffMs: 1, writer: { library: 'segmentd', version: '0.0.0' } },
    properties: {},
    withSlot: (land) => land(),
  });
  await expect(merge).rejects.toMatchObject({ code: 'table_data_file_missing' });
});
