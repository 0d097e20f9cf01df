import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findFreeable } from '../../../../src/lance/inspect/freeable.ts';
import { LanceTable } from '../../../../src/lance/table/table.ts';
import { versionFileName } from '../../../../src/lib/manifest-name.ts';
import { localStore } from '../../../../src/store/local-store.ts';
import { DATA_FILE_BYTES, uuidText } from '../manifest-fixture.ts';
import type { TableFolder } from '../table-fixture.ts';
import { tableFolder } from '../table-fixture.ts';

/** Version n was written n seconds after this. */
const START_S = 1_600_000_000;

async function age({ root }: TableFolder, path: string, version: number): Promise<void> {
  await utimes(join(root, path), START_S + version, START_S + version);
}

/** Two fragments under two segments, compacted to one under one in version 3. */
async function compacted() {
  const folder = await tableFolder({ version: 1, fragments: [{ id: 0 }] });
  const [first, second] = [1, 2].map((uuid) => ({ uuid, fragments: [uuid - 1] }));
  await folder.write({
    version: 2,
    fragments: [{ id: 0 }, { id: 1 }],
    indexes: [first, second].flatMap((it) => it ?? []),
  });
  await folder.write({ version: 3, fragments: [{ id: 2 }], indexes: [{ uuid: 3, fragments: [2] }] });
  for (const uuid of [1, 2, 3]) {
    await mkdir(join(folder.root, '_indices', uuidText(uuid)), { recursive: true });
    await writeFile(join(folder.root, '_indices', uuidText(uuid), 'page_data.lance'), 'x'.repeat(10 * uuid));
    await age(folder, `_indices/${uuidText(uuid)}/page_data.lance`, uuid);
    await age(folder, `data/f${uuid - 1}.lance`, uuid);
    await age(folder, `_versions/${versionFileName('V2', uuid)}`, uuid);
  }
  return { folder, table: new LanceTable(localStore(folder.root)) };
}

const beyond = (version: number) => (START_S + version) * 1000;

test('what only old versions use would go with them', async () => {
  const { table } = await compacted();
  expect(await findFreeable(table, beyond(1))).toEqual({ versions: 0, manifestBytes: 0, indexBytes: 0, dataBytes: 0 });
  // The second version still uses all of the first.
  expect(await findFreeable(table, beyond(2))).toMatchObject({ versions: 1, indexBytes: 0, dataBytes: 0 });
  const all = await findFreeable(table, beyond(3));
  expect(all).toMatchObject({ versions: 2, indexBytes: 30, dataBytes: 2 * DATA_FILE_BYTES });
  expect(all.manifestBytes).toBeGreaterThan(100);
});

test('the latest version stays, however old it is, and what was written since counts for nothing', async () => {
  const { table, folder } = await compacted();
  await mkdir(join(folder.root, '_indices', uuidText(9)));
  await writeFile(join(folder.root, '_indices', uuidText(9), 'page_data.lance'), 'under way');
  expect(await findFreeable(table, Date.now())).toMatchObject({ versions: 2, indexBytes: 30 });
});
