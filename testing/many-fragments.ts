/** A table of very many fragments, made in a second: the fragments of a small one again and again, each with a data file of its own. */
import { linkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { decodeDataFragment } from '../src/lance/codec/data-fragment.ts';
import { withoutFields } from '../src/lance/codec/manifest.ts';
import { manifestFileWriter } from '../src/lance/codec/manifest-file.ts';
import { versionFileName } from '../src/lib/manifest-name.ts';
import { latest } from './lance-table.ts';

const FRAGMENTS = 2;
const INDEX_SECTION = 6;
const MAX_FRAGMENT_ID = 11;
const TRANSACTION_SECTION = 21;

/**
 * Gives a table without indexes, of V2 names and one data file per fragment, `count` fragments in its latest version, in its place. They
 * are its own in turn, so that each has the rows of one of them.
 */
export async function multiplyFragments(uri: string, count: number): Promise<void> {
  const { version, message, fragments } = await latest(uri);
  const originals = Array.from({ length: fragments.length }, (_, at) => fragments.bytesOf(at));
  const writer = new BinaryWriter();
  for (let id = 0; id < count; id++) {
    const original = originals[id % originals.length] as Uint8Array;
    const name = `${id}.lance`;
    linkSync(join(uri, 'data', decodeDataFragment(original).files[0]?.path ?? ''), join(uri, 'data', name));
    writer.tag(FRAGMENTS, WireType.LengthDelimited).bytes(withFile(original, id, name));
  }
  writer.tag(MAX_FRAGMENT_ID, WireType.Varint).uint32(count - 1);
  const replaced = new Set([FRAGMENTS, INDEX_SECTION, MAX_FRAGMENT_ID, TRANSACTION_SECTION]);
  const file = manifestFileWriter().finish([...withoutFields(message, replaced), writer.finish()]);
  writeFileSync(join(uri, '_versions', versionFileName('V2', version)), Buffer.concat(file));
}

/** The fragment under another id, with its data file under another name. */
function withFile(fragment: Uint8Array, id: number, name: string): Uint8Array {
  const files = withoutFields(fragment, new Set([1, 3, 4, 5, 6, 7, 8, 9, 10, 11]));
  // One field of one file is left: its tag and length come first.
  const file = Buffer.concat(files).subarray(2);
  const writer = new BinaryWriter().tag(1, WireType.Varint).uint64(id);
  writer
    .tag(2, WireType.LengthDelimited)
    .fork()
    .raw(Buffer.concat(withoutFields(file, new Set([1]))));
  writer.tag(1, WireType.LengthDelimited).string(name).join();
  return Buffer.concat([writer.finish(), ...withoutFields(fragment, new Set([1, 2]))]);
}
