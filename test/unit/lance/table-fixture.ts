/** A table on disk with a manifest made by hand, and a store over it that fails on demand. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuiltSegment } from '../../../src/lance/segment.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { latestVersion, versionFileName } from '../../../src/lib/manifest-name.ts';
import { localStore } from '../../../src/store/local-store.ts';
import type { ObjectStore, PutResult } from '../../../src/store/object-store.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import type { ManifestSpec } from './manifest-fixture.ts';
import { builtSegment, DATA_FILE_BYTES, manifestFile } from './manifest-fixture.ts';

export type TableFolder = {
  readonly root: string;
  /** Writes a version of the table, as another writer would. */
  write(spec: ManifestSpec): Promise<void>;
  /** The versions that are there. */
  versions(): Promise<number[]>;
  has(path: string): boolean;
};

/** A folder with one version of a table in it. */
export async function tableFolder(spec: ManifestSpec, scheme: 'V1' | 'V2' = 'V2'): Promise<TableFolder> {
  const root = join(await tempDir(), 't.lance');
  await mkdir(join(root, '_versions'), { recursive: true });
  await mkdir(join(root, 'data'));
  const written = new Set<string>();
  const write = async (it: ManifestSpec) => {
    await writeFile(join(root, '_versions', versionFileName(scheme, it.version ?? 1)), manifestFile(it));
    for (const path of dataFilesOf(it).filter((name) => !written.has(name))) {
      written.add(path);
      await writeFile(join(root, 'data', path), new Uint8Array(DATA_FILE_BYTES));
    }
  };
  await write(spec);
  return {
    root,
    write,
    has: (path) => existsSync(join(root, path)),
    async versions() {
      const names = await readdir(join(root, '_versions'));
      const found = names.map((name) => latestVersion([name])?.version).filter((it) => it !== undefined);
      return found.sort((a, b) => a - b);
    },
  };
}

/** A table without them is damaged. */
function dataFilesOf({ fragments = [{ id: 0 }] }: ManifestSpec): string[] {
  return fragments.flatMap((it) =>
    it instanceof Uint8Array ? [] : (it.files?.map(({ path }) => path) ?? [`f${it.id}.lance`]),
  );
}

/** A segment over `fragments` whose one file is uploaded to the table already. */
export async function uploadedSegment(
  table: TableFolder,
  fragments: readonly number[],
  more: Partial<BuiltSegment> = {},
): Promise<BuiltSegment> {
  const segment = builtSegment(fragments, more);
  const folder = join(table.root, '_indices', segment.uuid);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'page_data.lance'), 'xyz');
  return segment;
}

/** What happens at one put of a manifest; `put` is the real one. */
export type Fault = (put: () => Promise<PutResult>) => Promise<PutResult>;

/** A store whose puts of manifests go through `faults`, one after the other, the last one for ever if `repeat`. */
export function faultyTable(
  root: string,
  faults: readonly Fault[],
  { repeat = false, more = {} }: { repeat?: boolean; more?: Partial<ObjectStore> } = {},
): LanceTable {
  const inner = localStore(root);
  let puts = 0;
  return new LanceTable({
    ...inner,
    async putIfAbsent(key, parts, after) {
      // As the contract of a store has it: nothing is sent before that, so nothing can be unclear before that.
      await after;
      const fault = faults[repeat ? Math.min(puts, faults.length - 1) : puts];
      puts += 1;
      const put = () => inner.putIfAbsent(key, parts, after);
      return fault ? fault(put) : put();
    },
    ...more,
  });
}
