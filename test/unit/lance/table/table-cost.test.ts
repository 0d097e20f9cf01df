import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LanceTable } from '../../../../src/lance/table/table.ts';
import { manifestCost, readTableCost } from '../../../../src/lance/table/table-cost.ts';
import { versionFileName } from '../../../../src/lib/manifest-name.ts';
import { localStore } from '../../../../src/store/local-store.ts';
import { uuidText } from '../manifest-fixture.ts';
import { tableFolder } from '../table-fixture.ts';

const OLD_S = 1_600_000_000;

test('versions, manifests and index files are counted, what the latest version names apart from the rest', async () => {
  const folder = await tableFolder({ version: 1, fragments: [{ id: 0 }] });
  await folder.write({ version: 2, fragments: [{ id: 0 }], indexes: [{ uuid: 1, fragments: [0] }] });
  for (const [uuid, text] of [
    [1, 'live'],
    [2, 'replaced'],
    [3, 'killed'],
  ] as const) {
    await mkdir(join(folder.root, '_indices', uuidText(uuid)), { recursive: true });
    await writeFile(join(folder.root, '_indices', uuidText(uuid), 'page_data.lance'), text);
  }
  const first = join(folder.root, '_versions', versionFileName('V2', 1));
  await utimes(first, OLD_S, OLD_S);
  await writeFile(join(folder.root, '_versions', '.tmp_x'), 'staged');
  const table = new LanceTable(localStore(folder.root));
  const manifest = await table.latest();
  const files = await localStore(folder.root).survey('_versions');
  const manifests = files.filter(({ name }) => name.endsWith('.manifest'));
  expect(await readTableCost(table, manifest)).toEqual({
    ...manifestCost(manifest),
    versions: 2,
    manifestBytes: manifests.reduce((sum, { bytes }) => sum + bytes, 0),
    oldestVersionMs: OLD_S * 1000,
    indexLiveBytes: 4,
    indexDeadBytes: 'replaced'.length + 'killed'.length,
  });
});

test.each([
  { rows: 104_857, deleted: 0, small: 1 },
  { rows: 104_858, deleted: 0, small: 0 },
  { rows: 4, deleted: 104_854, small: 0 },
])('a fragment of $rows rows and $deleted deleted ones counts as small: $small', ({ rows, deleted, small }) => {
  const columns = { length: 1, rows: Uint32Array.of(rows), deleted: Uint32Array.of(deleted) };
  const cost = manifestCost({ fragments: columns } as unknown as Parameters<typeof manifestCost>[0]);
  expect(cost).toEqual({ fragments: 1, smallFragments: small, rows, deletedRows: deleted });
});
