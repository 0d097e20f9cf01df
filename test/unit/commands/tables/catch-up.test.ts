import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { catchUp } from '../../../../src/commands/tables/catch-up.ts';
import type { Manifest } from '../../../../src/lance/codec/manifest.ts';
import type { Build, SegmentBuilder } from '../../../../src/lance/segment.ts';
import { LanceTable } from '../../../../src/lance/table/table.ts';
import { SegmentdError } from '../../../../src/lib/errors.ts';
import { localStore } from '../../../../src/store/local-store.ts';
import { tempDir } from '../../../../testing/temp-dir.ts';
import { indexEntry, uuidText } from '../../lance/manifest-fixture.ts';
import type { TableFolder } from '../../lance/table-fixture.ts';
import { faultyTable, tableFolder } from '../../lance/table-fixture.ts';

// The pauses between fruitless rounds add up to seconds.
vi.mock('node:timers/promises', () => ({ setTimeout: async () => undefined }));

const SETTINGS = {
  wanted: 'existing',
  limits: { maxRows: 250, maxFragments: 10 },
  commit: { maxAttempts: 5, initialBackoffMs: 1, writer: { library: 'segmentd', version: '1' } },
  properties: {},
} as const;
const FRAGMENTS = [0, 1, 2, 3, 4].map((id) => ({ id }));

let folder: TableFolder;
let builds: number;
let disposed: number;
beforeEach(async () => {
  folder = await tableFolder({ version: 1, fragments: FRAGMENTS, indexes: [{ uuid: 1, fragments: [0] }] });
  builds = 0;
  disposed = 0;
});

/** Makes segments of one small file; `before` may do something to the table, or fail, while it builds. */
function builder(scratch: string, before?: (manifest: Manifest) => Promise<void>): SegmentBuilder {
  return {
    async build(manifest, _uri, requests): Promise<Build> {
      await before?.(manifest);
      const segments = await Promise.all(
        requests.map(async (request) => {
          builds += 1;
          const number = 1000 + builds;
          const into = join(scratch, uuidText(number));
          await mkdir(into);
          await writeFile(join(into, 'page_data.lance'), 'xyz');
          return {
            ...request,
            uuid: uuidText(number),
            metadata: indexEntry({ uuid: number, fragments: [...request.fragments] }),
            files: [{ path: 'page_data.lance', bytes: 3 }],
            folder: into,
            buildMs: 1,
          };
        }),
      );
      const dispose = async () => {
        disposed += 1;
      };
      return { manifest, segments, [Symbol.asyncDispose]: dispose };
    },
  };
}
const plainTable = () => new LanceTable(localStore(folder.root));
const covered = async () => (await plainTable().latest()).indexes.map(({ fragments }) => Array.from(fragments ?? []));

test('indexes what is missing, round by round within the limits, until nothing is', async () => {
  const done = await catchUp(plainTable(), builder(await tempDir()), SETTINGS);
  expect(done).toMatchObject({ version: 3, attempts: 2 });
  expect(done.segments.map(({ fragments }) => Array.from(fragments))).toEqual([
    [1, 2],
    [3, 4],
  ]);
  expect(await covered()).toEqual([[0], [1, 2], [3, 4]]);
  expect(disposed).toBe(2);
});

test('a table that is covered is left alone', async () => {
  folder = await tableFolder({ version: 8, indexes: [{ uuid: 1, fragments: [0] }] });
  const done = await catchUp(plainTable(), builder(await tempDir()), SETTINGS);
  expect(done).toMatchObject({ version: 8, attempts: 0, segments: [] });
  expect(await folder.versions()).toEqual([8]);
});

test('a declined table is left alone, with its reason', async () => {
  await folder.write({ version: 2, readerFlags: 2n, writerFlags: 2n });
  const done = catchUp(plainTable(), builder(await tempDir()), SETTINGS);
  await expect(done).rejects.toMatchObject({ code: 'table_stable_row_ids' });
  expect([builds, await folder.versions()]).toEqual([0, [1, 2]]);
});

test('a table that moves under a build is planned anew', async () => {
  const moves = [async () => folder.write({ version: 2, fragments: [{ id: 0 }, { id: 7 }], indexes: [{ uuid: 1 }] })];
  const done = await catchUp(
    plainTable(),
    builder(await tempDir(), async () => moves.shift()?.()),
    SETTINGS,
  );
  expect(done.segments.map(({ fragments }) => Array.from(fragments))).toEqual([[7]]);
  expect(await covered()).toEqual([[0], [7]]);
  expect(disposed).toBe(2);
});

test('an index that is dropped under a build stays dropped', async () => {
  const drops = [async () => folder.write({ version: 2, fragments: FRAGMENTS, indexes: [] })];
  const done = await catchUp(
    plainTable(),
    builder(await tempDir(), async () => drops.shift()?.()),
    SETTINGS,
  );
  expect(done).toMatchObject({ version: 2, segments: [] });
  expect(await covered()).toEqual([]);
  expect(folder.has(`_indices/${uuidText(1001)}`)).toBe(false);
});

test('a table that moves under every build makes it stale', async () => {
  let version = 1;
  const move = async () => {
    version += 1;
    await folder.write({ version, fragments: [{ id: 0 }, { id: version * 10 }], indexes: [{ uuid: 1 }] });
  };
  const done = catchUp(plainTable(), builder(await tempDir(), move), SETTINGS);
  await expect(done).rejects.toMatchObject({ code: 'build_stale' });
  expect(disposed).toBe(builds);
});

test('what the store refuses is an error, and what was built is deleted', async () => {
  const refuse = () => Promise.reject(new SegmentdError('store_full', 'no'));
  const done = catchUp(faultyTable(folder.root, [refuse]), builder(await tempDir()), SETTINGS);
  await expect(done).rejects.toMatchObject({ code: 'store_full' });
  expect([disposed, await folder.versions()]).toEqual([1, [1]]);
});

test('a commit whose outcome is unknown is an error of its own, and its files stay', async () => {
  const fail = () => Promise.reject(new SegmentdError('store_unavailable', 'no'));
  const table = faultyTable(folder.root, [fail], { repeat: true });
  const done = catchUp(table, builder(await tempDir()), SETTINGS);
  await expect(done).rejects.toMatchObject({ code: 'commit_unknown' });
  expect([disposed, folder.has(`_indices/${uuidText(1001)}/page_data.lance`)]).toEqual([1, true]);
});

test('a table that is replaced under a build gets none of it', async () => {
  const other = await tableFolder({ version: 1, fragments: [{ id: 0, files: [{ path: 'else.lance' }] }] });
  const swaps = [
    async () => {
      await rename(folder.root, `${folder.root}.old`);
      await rename(other.root, folder.root);
    },
  ];
  const table = plainTable();
  const done = await catchUp(
    table,
    builder(await tempDir(), async () => swaps.shift()?.()),
    SETTINGS,
  );
  expect(done).toMatchObject({ version: 1, segments: [] });
  expect(await covered()).toEqual([]);
});
