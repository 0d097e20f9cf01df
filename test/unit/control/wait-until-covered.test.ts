import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { WaitSettings } from '../../../src/control/wait-until-covered.ts';
import { waitUntilCovered } from '../../../src/control/wait-until-covered.ts';
import { DEFAULT_POLICY } from '../../../src/lance/plan/table-plan.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { versionFileName } from '../../../src/lance/table/version-names.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import { localStore } from '../../../src/store/local-store.ts';
import type { ManifestSpec } from '../lance/manifest-fixture.ts';
import { manifestFile } from '../lance/manifest-fixture.ts';
import { faultyTable, tableFolder } from '../lance/table-fixture.ts';

const LONG_MS = 20_000;
/** Enough for several looks. */
const SHORT_MS = 200;

/** A version with these fragments, of which those are covered. */
const spec = (version: number, fragments: readonly number[], covered: readonly number[]) => ({
  version,
  fragments: fragments.map((id) => ({ id })),
  indexes: [{ uuid: 1, fragments: covered }],
});

async function waitable(first: ManifestSpec) {
  const folder = await tableFolder(first);
  const pathOf = (version: number) => join(folder.root, '_versions', versionFileName('V2', version));
  return {
    root: folder.root,
    remove: (version: number) => rm(pathOf(version)),
    /** As every writer does it: all at once. */
    async write(it: ManifestSpec & { version: number }) {
      await writeFile(join(folder.root, 'aside'), manifestFile(it));
      await rename(join(folder.root, 'aside'), pathOf(it.version));
    },
    wait: (version: number, more: Partial<WaitSettings> = {}, table = new LanceTable(localStore(folder.root))) =>
      waitUntilCovered(table, { version, policy: DEFAULT_POLICY, timeoutMs: LONG_MS, ...more }),
  };
}

test('a version that is covered already is not waited for', async () => {
  const { write, wait } = await waitable(spec(1, [0], [0]));
  await write(spec(2, [0, 1], [0]));
  expect(await wait(1, { timeoutMs: 0 })).toEqual({ covered: true, latestVersion: 2 });
});

test('a version that is not there yet is waited for, and then its coverage', async () => {
  const { write, wait } = await waitable(spec(1, [0], [0]));
  const waiting = wait(2);
  await sleep(SHORT_MS);
  await write(spec(2, [0, 1], [0]));
  await sleep(SHORT_MS);
  // An append of somebody else's is not waited for.
  await write(spec(3, [0, 1, 2], [0, 1]));
  expect(await waiting).toEqual({ covered: true, latestVersion: 3 });
});

test('the time is over', async () => {
  const { wait } = await waitable(spec(1, [0], []));
  const startMs = performance.now();
  expect(await wait(1, { timeoutMs: SHORT_MS })).toEqual({ covered: false, latestVersion: 1 });
  expect(await wait(2, { timeoutMs: 0 })).toEqual({ covered: false, latestVersion: 1 });
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(SHORT_MS);
});

test('without its manifest, all that is there has to be covered', async () => {
  const { write, remove, wait } = await waitable(spec(1, [0], [0]));
  await write(spec(2, [0, 1, 2], [0, 1]));
  await remove(1);
  expect(await wait(1, { timeoutMs: SHORT_MS })).toMatchObject({ covered: false });
  const waiting = wait(1);
  await sleep(SHORT_MS);
  // What came after the first look is none of it.
  await write(spec(3, [0, 1, 2, 3], [0, 1, 2]));
  expect(await waiting).toEqual({ covered: true, latestVersion: 3 });
});

test('a manifest that is cleaned up while somebody waits is remembered', async () => {
  const { write, remove, wait } = await waitable(spec(1, [0], []));
  await write(spec(2, [0, 1], []));
  const waiting = wait(1);
  await sleep(SHORT_MS);
  await remove(1);
  await write(spec(3, [0, 1], [0]));
  expect(await waiting).toEqual({ covered: true, latestVersion: 3 });
});

test('rows that compaction moved are waited for where they are now, and not what comes after', async () => {
  const { write, wait } = await waitable(spec(1, [0, 1], []));
  const waiting = wait(1);
  await sleep(SHORT_MS);
  await write(spec(2, [2], []));
  await sleep(SHORT_MS);
  await write(spec(3, [2, 3], [3]));
  await sleep(SHORT_MS);
  expect(await Promise.race([waiting, 'waits'])).toBe('waits');
  await write(spec(4, [2, 3, 4], [2, 3]));
  expect(await waiting).toEqual({ covered: true, latestVersion: 4 });
});

test('a table that takes the place of another is looked at afresh', async () => {
  const { write, wait } = await waitable(spec(1, [0], []));
  await write(spec(2, [0], []));
  const waiting = wait(2);
  await sleep(SHORT_MS);
  await write(spec(2, [0, 1], [0]));
  await sleep(SHORT_MS);
  expect(await Promise.race([waiting, 'waits'])).toBe('waits');
  await write(spec(3, [0, 1], [0, 1]));
  expect(await waiting).toEqual({ covered: true, latestVersion: 3 });
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

test('a signal ends the wait at once', async () => {
  const { wait } = await waitable(spec(1, [0], []));
  const stopping = new AbortController();
  const startMs = performance.now();
  const waiting = wait(1, { signal: stopping.signal });
  setTimeout(() => stopping.abort(), SHORT_MS);
  expect(await waiting).toMatchObject({ covered: false });
  expect(performance.now() - startMs).toBeLessThan(LONG_MS / 4);
  expect(await wait(1, { signal: AbortSignal.abort() })).toMatchObject({ covered: false });
});

test('a table that is not there, or is declined, is an error at once', async () => {
  const { root, wait } = await waitable({ ...spec(1, [0], []), readerFlags: 2n, writerFlags: 2n });
  await expect(wait(1)).rejects.toMatchObject({ code: 'table_stable_row_ids' });
  const nowhere = new LanceTable(localStore(`${root}-not`));
  await expect(wait(1, {}, nowhere)).rejects.toMatchObject({ code: 'table_not_found' });
});
