import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lastLanceOf } from '../../../../src/lance/table/last-writer.ts';
import { LanceTable } from '../../../../src/lance/table/table.ts';
import { versionFileName } from '../../../../src/lib/manifest-name.ts';
import { localStore } from '../../../../src/store/local-store.ts';
import { tempDir } from '../../../../testing/temp-dir.ts';
import { manifestFile } from '../manifest-fixture.ts';

const OURS = ['segmentd', '0.1.0'] as const;
const LANCE = ['lance', '14.0.2'] as const;

/** What is said of a table of these versions, the first being version 1; null is one that a cleanup deleted. */
async function lastLance(writers: readonly (readonly [string, string] | 'damaged' | null)[]) {
  const folder = await tempDir();
  await mkdir(join(folder, '_versions'));
  for (const [at, writer] of writers.entries()) {
    if (!writer) continue;
    const content = writer === 'damaged' ? 'no manifest' : manifestFile({ version: at + 1, writer });
    await writeFile(join(folder, '_versions', versionFileName('V2', at + 1)), content);
  }
  const table = new LanceTable(localStore(folder));
  return (await lastLanceOf(table, await table.latest()))?.version ?? null;
}

test.each<[string, Parameters<typeof lastLance>[0], string | null]>([
  ['the latest version', [['lance', '12.0.0'], LANCE], '14.0.2'],
  ['the one below ours', [['lance', '12.0.0'], LANCE, OURS, OURS], '14.0.2'],
  ['one below a gap', [LANCE, null, 'damaged', OURS], '14.0.2'],
  ['none, below too many of ours', [LANCE, OURS, OURS, OURS, OURS, OURS], null],
  ['none, in a table of ours alone', [OURS], null],
])('the Lance that last wrote is told by %s', async (_, writers, version) => {
  expect(await lastLance(writers)).toBe(version);
});
