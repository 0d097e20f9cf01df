/**
 * A cleanup spares a tagged version and leaves a gap above it. segmentd walked up from the version that it knew and took the first
 * absent one for the end: it went on with the tagged version, and committed under a number that had been used before.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Index } from '@lancedb/lancedb';
import { expect, test } from 'vitest';
import { catchUp } from '../../src/commands/tables/catch-up.ts';
import { lanceSegmentBuilder } from '../../src/lance/engine/segment-builder.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { localStore } from '../../src/store/local-store.ts';
import { CATCH_UP, idsWhere, realTable, usesIndex } from '../../testing/lance-table.ts';
import { people } from '../../testing/people.ts';
import { tempDir } from '../../testing/temp-dir.ts';

/** A table that grew and was cleaned up since segmentd read it, with rows that are not indexed before and after. */
async function cleanedAboveTag() {
  const { table: theirs, uri } = await realTable(people(0, 10));
  await theirs.createIndex('id', { config: Index.btree() });
  await theirs.add(people(10, 10));
  const table = new LanceTable(localStore(uri));
  const known = await table.latest();
  for (const from of [20, 30, 40]) await theirs.add(people(from, 10));
  await theirs.optimize();
  await theirs.add(people(50, 10));
  const newest = await theirs.version();
  expect(newest).toBeGreaterThan(known.version + 3);
  // LanceDB's own cleanup refuses tagged versions; pylance spares them with error_if_tagged_old_versions=False, and leaves this.
  for (let version = known.version + 1; version < newest; version++) {
    await rm(join(uri, await table.manifestKey(version)));
  }
  return { theirs, table, uri, known: known.version, newest };
}

test('versions beyond a gap are seen', async () => {
  const { table, newest } = await cleanedAboveTag();
  expect((await table.latest()).version).toBe(newest);
});

test('a commit follows the latest version, though neither a hint nor a walk shows it', async () => {
  const { theirs, table, uri, known, newest } = await cleanedAboveTag();
  await rm(join(uri, '_versions', 'latest_version_hint.json'), { force: true });
  expect((await table.latest()).version).toBe(known);
  const caughtUp = await catchUp(table, lanceSegmentBuilder(await tempDir()), CATCH_UP);
  expect(caughtUp).toMatchObject({ version: newest + 1 });
  expect(await table.at(known + 1)).toBeNull();
  expect(await theirs.version()).toBe(newest + 1);
  for (const id of [5, 15, 25, 55]) expect(await idsWhere(theirs, `id = ${id}`)).toEqual([id]);
  expect(await usesIndex(theirs, 'id = 55')).toBe(true);
  expect(await theirs.countRows()).toBe(60);
});
