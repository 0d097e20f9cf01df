import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { WaitSettings } from '../../../src/control/wait-until-covered.ts';
import { waitUntilCovered } from '../../../src/control/wait-until-covered.ts';
import { DEFAULT_POLICY } from '../../../src/lance/plan/row-ids.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import { versionFileName } from '../../../src/lib/manifest-name.ts';
import { localStore } from '../../../src/store/local-store.ts';
import type { ManifestSpec } from '../lance/manifest-fixture.ts';
import { manifestFile } from '../lance/manifest-fixture.ts';
import { remoteLike } from '../lance/remote-fixture.ts';
import { faultyTable, tableFolder } from '../lance/table-fixture.ts';

/** Longer than any test: what ends a wait is what the test does. */
const LONG_MS = 600_000;
const SHORT_MS = 100;
/** When a test hangs, on a machine that is busy with other things. */
const PATIENCE = { timeout: 30_000 };

/** A version with these fragments, of which those are covered. */
const spec = (version: number, fragments: readonly number[], covered: readonly number[]) => ({
  version,
  fragments: fragments.map((id) => ({ id })),
  indexes: [{ uuid: 1, fragments: covered }],
});

async function waitable(first: ManifestSpec) {
  const folder = await tableFolder(first);
  const pathOf = (version: number) => join(folder.root, '_versions', versionFileName('V2', version));
  const wait = (version: number, more: Partial<WaitSettings> = {}, table = new LanceTable(localStore(folder.root))) =>
    waitUntilCovered(table, { version, policy: DEFAULT_POLICY, timeoutMs: LONG_MS, ...more });
  return {
    root: folder.root,
    wait,
    remove: (version: number) => rm(pathOf(version)),
    /** As every writer does it: all at once. */
    async write(it: ManifestSpec & { version: number }) {
      await writeFile(join(folder.root, 'aside'), manifestFile(it));
      await rename(join(folder.root, 'aside'), pathOf(it.version));
    },
    /** A wait whose looks are watched: `seen` resolves once one has begun and ended from now on, `over` is the wait itself. */
    watched(version: number, more: Partial<WaitSettings> = {}) {
      const table = new LanceTable(localStore(folder.root));
      const looks = vi.spyOn(table, 'latest');
      let isOver = false;
      const over = wait(version, more, table).finally(() => {
        isOver = true;
      });
      const seen = async () => {
        // The one that runs now may have begun before; that the one after it begins tells that it has ended.
        const before = looks.mock.calls.length;
        await vi.waitFor(() => expect(looks.mock.calls.length).toBeGreaterThanOrEqual(before + 2), PATIENCE);
        expect(isOver).toBe(false);
      };
      return { over, seen };
    },
  };
}

test('a version that is covered already is not waited for', async () => {
  const { write, wait } = await waitable(spec(1, [0], [0]));
  await write(spec(2, [0, 1], [0]));
  expect(await wait(1, { timeoutMs: 0 })).toEqual({ covered: true, latestVersion: 2 });
});

test('a version that is not there yet is waited for, and then its coverage', async () => {
  const { write, watched } = await waitable(spec(1, [0], [0]));
  const { over, seen } = watched(2);
  await seen();
  await write(spec(2, [0, 1], [0]));
  await seen();
  // A later append by another writer is not waited for.
  await write(spec(3, [0, 1, 2], [0, 1]));
  expect(await over).toEqual({ covered: true, latestVersion: 3 });
});

test('the time is over', async () => {
  const { wait } = await waitable(spec(1, [0], []));
  expect(await wait(1, { timeoutMs: SHORT_MS })).toEqual({ covered: false, latestVersion: 1 });
  expect(await wait(2, { timeoutMs: 0 })).toEqual({ covered: false, latestVersion: 1 });
});

test('without its manifest, all that is there has to be covered', async () => {
  const { write, remove, wait, watched } = await waitable(spec(1, [0], [0]));
  await write(spec(2, [0, 1, 2], [0, 1]));
  await remove(1);
  expect(await wait(1, { timeoutMs: SHORT_MS })).toMatchObject({ covered: false });
  const { over, seen } = watched(1);
  await seen();
  // What came after the first look is none of it.
  await write(spec(3, [0, 1, 2, 3], [0, 1, 2]));
  expect(await over).toEqual({ covered: true, latestVersion: 3 });
});

test('a manifest that is cleaned up during the wait is remembered', async () => {
  const { write, remove, watched } = await waitable(spec(1, [0], []));
  await write(spec(2, [0, 1], []));
  const { over, seen } = watched(1);
  await seen();
  await remove(1);
  await write(spec(3, [0, 1], [0]));
  expect(await over).toEqual({ covered: true, latestVersion: 3 });
});

test('rows that compaction moved are waited for where they are now, and not what comes after', async () => {
  const { write, watched } = await waitable(spec(1, [0, 1], []));
  const { over, seen } = watched(1);
  await seen();
  await write(spec(2, [2], []));
  await seen();
  await write(spec(3, [2, 3], [3]));
  await seen();
  await write(spec(4, [2, 3, 4], [2, 3]));
  expect(await over).toEqual({ covered: true, latestVersion: 4 });
});

test('a table that replaces another under the same name is read anew', async () => {
  const { write, watched } = await waitable(spec(1, [0], []));
  await write(spec(2, [0], []));
  const { over, seen } = watched(2);
  await seen();
  await write(spec(2, [0, 1], [0]));
  await seen();
  await write(spec(3, [0, 1], [0, 1]));
  expect(await over).toEqual({ covered: true, latestVersion: 3 });
});

test('a store that does not answer is waited for; one that never does is the error', async () => {
  const { root, wait } = await waitable(spec(1, [0], [0]));
  let failures = 3;
  const inner = localStore(root);
  const table = faultyTable(root, [], {
    more: {
      list: async (folder) => {
        if (failures-- > 0) throw new SegmentdError('store_unavailable', 'away');
        return inner.list(folder);
      },
    },
  });
  expect(await wait(1, {}, table)).toEqual({ covered: true, latestVersion: 1 });
  failures = Infinity;
  const fresh = faultyTable(root, [], {
    more: { list: () => Promise.reject(new SegmentdError('store_unavailable', 'away')) },
  });
  await expect(wait(1, { timeoutMs: SHORT_MS }, fresh)).rejects.toMatchObject({ code: 'store_unavailable' });
});

test('a signal ends the wait', async () => {
  const { wait, watched } = await waitable(spec(1, [0], []));
  const stopping = new AbortController();
  const { over, seen } = watched(1, { signal: stopping.signal });
  await seen();
  stopping.abort();
  expect(await over).toMatchObject({ covered: false });
  expect(await wait(1, { signal: AbortSignal.abort() })).toMatchObject({ covered: false });
});

test('a table that is not there, or is declined, is an error at once', async () => {
  const { root, wait } = await waitable({ ...spec(1, [0], []), readerFlags: 2n, writerFlags: 2n });
  await expect(wait(1)).rejects.toMatchObject({ code: 'table_stable_row_ids' });
  const nowhere = new LanceTable(localStore(`${root}-not`));
  await expect(wait(1, {}, nowhere)).rejects.toMatchObject({ code: 'table_not_found' });
});

test('a remote table is looked at again when this process knows more of it, without a request', async () => {
  const { root, wait } = await waitable(spec(1, [0], []));
  const { store, spent } = remoteLike(root);
  const table = new LanceTable(store);
  let known = 1;
  const over = wait(1, { news: () => known }, table);
  await vi.waitFor(() => expect(table.knownBytes).toBeGreaterThan(0), PATIENCE);
  spent();
  // A commit of this process, as its pipeline notes it.
  await table.landed(2, manifestFile(spec(2, [0], [0])), 'tag');
  known = 2;
  expect(await over).toEqual({ covered: true, latestVersion: 2 });
  // Only that the version asked about is still the same one was looked at.
  expect(spent().filter((request) => request.startsWith('list'))).toEqual([]);
});
