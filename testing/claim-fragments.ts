/** Damage that `verify` has to find: a segment whose bitmap is not true. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeSegment } from '../src/lance/codec/index-metadata.ts';
import { spliceManifest } from '../src/lance/codec/manifest.ts';
import { encodeCreateIndex } from '../src/lance/codec/transaction.ts';
import { LanceTable } from '../src/lance/table/table.ts';
import { versionFileName } from '../src/lib/manifest-name.ts';
import { localStore } from '../src/store/local-store.ts';

/** Commits a version in which the last segment, of this index or of all, claims other fragments than it was built over. */
export async function claim(uri: string, fragments: readonly number[], index?: string): Promise<void> {
  const manifest = await new LanceTable(localStore(uri)).latest();
  const last = manifest.indexes.findLast(({ name }) => index === undefined || name === index);
  if (!last) throw new Error(`no segment of ${index}`);
  const added = [
    encodeSegment(last.raw, {
      name: last.name,
      datasetVersion: last.datasetVersion,
      fragments,
      createdAtMs: Date.now(),
      details: null,
      files: last.files,
    }),
  ];
  const change = { uuid: 'test', readVersion: manifest.version, added, removed: [last.raw], properties: {} };
  const file = spliceManifest(manifest, {
    version: manifest.version + 1,
    timestampMs: Date.now(),
    writer: { library: 'test', version: '1' },
    transaction: encodeCreateIndex(change),
    transactionFile: '',
    added: added.map((entry) => ({ entry })),
    removed: new Set([last.uuid]),
  });
  await writeFile(join(uri, '_versions', versionFileName('V2', manifest.version + 1)), file);
}
