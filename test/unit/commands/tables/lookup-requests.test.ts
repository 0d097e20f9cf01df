/** Requests per lookup, and how `status` shows them of a table and of a database in an object store. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatDatabaseStatus, inspectDatabase } from '../../../../src/commands/tables/database-status.ts';
import { requestsPerLookup } from '../../../../src/commands/tables/lookup-requests.ts';
import type { Place } from '../../../../src/commands/tables/places.ts';
import { findPlace } from '../../../../src/commands/tables/places.ts';
import { formatTableStatus, inspectOneTable } from '../../../../src/commands/tables/table-status.ts';
import { invocation, processIo } from '../../../../src/commands/terminal/io.ts';
import { localStore } from '../../../../src/store/local-store.ts';
import type { ObjectStore } from '../../../../src/store/object-store.ts';
import type { ManifestSpec } from '../../lance/manifest-fixture.ts';
import { remoteLike } from '../../lance/remote-fixture.ts';
import { tableFolder } from '../../lance/table-fixture.ts';

const place = async (uri: string, storeOf: (root: string) => ObjectStore): Promise<Place> => ({
  ...(await findPlace(invocation(processIo()), uri, {})),
  storeOf,
});
const remote = (root: string) => remoteLike(root).store;

/** An index with a wholly stale segment beside two, and another with one. */
const SPEC: ManifestSpec = {
  fragments: [0, 1].map((id) => ({ id })),
  indexes: [
    ...[0, 1, 7].map((id) => ({ uuid: id + 1, fragments: [id] })),
    { uuid: 9, name: 'name_idx', fields: [1], fragments: [0, 1] },
  ],
};

test('each segment that answers for something is asked, which is three requests, and the row is one', () => {
  const segments = [{ fragments: 2 }, { fragments: 0 }, { fragments: 1 }];
  expect(requestsPerLookup(segments, { remote: true })).toBe(7);
  expect(requestsPerLookup(segments, { remote: false })).toBe(null);
});

test('status of a table shows them of each index, and nothing on a disk', async () => {
  const { root } = await tableFolder(SPEC);
  const [there, here] = await Promise.all(
    [remote, localStore].map(async (storeOf) => inspectOneTable(await place(root, storeOf))()),
  );
  expect(there?.indexes.map((it) => it.requests_per_lookup)).toEqual([7, 4]);
  expect(here?.indexes.map((it) => it.requests_per_lookup)).toEqual([null, null]);
  expect(there && formatTableStatus(there)).toMatch(/^ {2}.*; 7 requests per lookup$/m);
  expect(here && formatTableStatus(here)).not.toContain('per lookup');
});

test('status of a table counts tiers and merges as the defaults of its store say', async () => {
  const batches = Array.from({ length: 3 }, (_, id) => id);
  const { root } = await tableFolder({
    fragments: batches.map((id) => ({ id, rows: 20_000 })),
    indexes: batches.map((id) => ({ uuid: id + 1, fragments: [id] })),
  });
  const [there, here] = await Promise.all(
    [remote, localStore].map(async (storeOf) => inspectOneTable(await place(root, storeOf))()),
  );
  expect(there).toMatchObject({ tiers: { 2: 3 }, next: { merges: [{ segments: 3, reason: 'tier' }], merges_due: 1 } });
  expect(here).toMatchObject({ tiers: { 1: 3 }, next: { merges: [], merges_due: 0 } });
});

test('status of a database shows them of the index that takes most', async () => {
  const { root } = await tableFolder(SPEC);
  const database = join(root, '..');
  const [there, here] = await Promise.all(
    [remote, localStore].map(async (storeOf) => inspectDatabase(await place(database, storeOf))),
  );
  expect(there?.tables).toMatchObject([{ table: 't', requests_per_lookup: 7 }]);
  expect(here?.tables).toMatchObject([{ table: 't', requests_per_lookup: null }]);
  expect(there && formatDatabaseStatus(there)).toMatch(/^t +covered .* 4 {2}7 requests per lookup$/m);
  expect(here && formatDatabaseStatus(here)).not.toContain('per lookup');
});
