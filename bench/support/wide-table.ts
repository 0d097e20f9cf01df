/** Tables with very many fragments, made by writing one manifest: all fragments share one data file. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { connect, Index } from '@lancedb/lancedb';
import { encodeSegment } from '../../src/lance/codec/index-metadata.ts';
import { withoutFields } from '../../src/lance/codec/manifest.ts';
import { manifestFileWriter } from '../../src/lance/codec/manifest-file.ts';
import { copyFields } from '../../src/lance/codec/wire.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { versionFileName } from '../../src/lib/manifest-name.ts';
import { localStore } from '../../src/store/local-store.ts';
import { people } from '../../testing/people.ts';

const SCHEMA = 1;
const FRAGMENTS = 2;
const VERSION = 3;
const INDEX_SECTION = 6;
const MAX_FRAGMENT_ID = 11;
const TRANSACTION_SECTION = 21;

/**
 * Makes the table `<database>/<name>.lance` with `fragments` fragments of `rows` rows each and a BTREE on `id` that covers
 * them all, at version 3. The fragments share one file, so that only the manifest is as large as a real one's.
 */
export async function makeWideTable(database: string, name: string, fragments: number, rows: number): Promise<string> {
  const folder = join(database, `${name}.lance`);
  const connection = await connect(database);
  const table = await connection.createTable(name, people(0, rows));
  await table.createIndex('id', { config: Index.btree() });
  table.close();
  connection.close();

  const small = await new LanceTable(localStore(folder)).latest();
  const [index] = small.indexes;
  if (!index) throw new Error('LanceDB made no index');
  const rest = copyFields(small.fragments.bytesOf(0), (field) => field !== 1);
  const list = new BinaryWriter();
  for (let id = 0; id < fragments; id++) {
    const fragment = new BinaryWriter().tag(1, WireType.Varint).uint64(id);
    for (const field of rest) fragment.raw(field);
    list.tag(FRAGMENTS, WireType.LengthDelimited).bytes(fragment.finish());
  }
  const ids = Uint32Array.from({ length: fragments }, (_, id) => id);
  const entry = encodeSegment(index.raw, {
    name: index.name,
    datasetVersion: small.version,
    fragments: ids,
    createdAtMs: Date.now(),
    details: null,
    files: index.files,
  });
  const cut = new Set([FRAGMENTS, VERSION, INDEX_SECTION, MAX_FRAGMENT_ID, TRANSACTION_SECTION]);
  const file = manifestFileWriter();
  const offset = file.section([new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(entry).finish()]);
  const tail = new BinaryWriter();
  tail.tag(VERSION, WireType.Varint).uint64(small.version + 1);
  tail.tag(INDEX_SECTION, WireType.Varint).uint64(offset);
  tail.tag(MAX_FRAGMENT_ID, WireType.Varint).uint64(fragments - 1);
  // The fragment list stands where Lance writes it: behind the schema, before everything else.
  const schema = copyFields(small.message, (field) => field === SCHEMA);
  const others = Buffer.concat(copyFields(small.message, (field) => field !== SCHEMA));
  const message = [...schema, list.finish(), ...withoutFields(others, cut), tail.finish()];
  const versions = join(folder, '_versions');
  await writeFile(join(versions, versionFileName('V2', small.version + 1)), file.finish(message));
  return folder;
}
