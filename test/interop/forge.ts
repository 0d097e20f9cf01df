/** Tables made wrong on purpose, by rewriting their latest manifest. */
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { IndexMetadata } from '../../src/lance/codec/index-metadata.ts';
import type { Manifest } from '../../src/lance/codec/manifest.ts';
import { spliceManifest, withoutFields } from '../../src/lance/codec/manifest.ts';
import { encodeCreateIndex } from '../../src/lance/codec/transaction.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { versionFileName } from '../../src/lib/manifest-name.ts';
import { localStore } from '../../src/store/local-store.ts';

const FOOTER_BYTES = 16;

/** The latest manifest's file, of a table with V2 names. */
export async function latestManifestFile(uri: string): Promise<string> {
  const { version } = await new LanceTable(localStore(uri)).latest();
  return join(uri, '_versions', versionFileName('V2', version));
}

/** Rewrites the message of the latest manifest in its place. */
export async function rewriteManifest(uri: string, rewrite: (manifest: Manifest) => Uint8Array): Promise<void> {
  const manifest = await new LanceTable(localStore(uri)).latest();
  const { file, message } = manifest;
  const rewritten = rewrite(manifest);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(rewritten.length);
  // The sections before it stay where they are, so that all offsets hold.
  const before = file.subarray(0, message.byteOffset - file.byteOffset - length.length);
  const footer = file.subarray(file.length - FOOTER_BYTES);
  await writeFile(await latestManifestFile(uri), Buffer.concat([before, length, rewritten, footer]));
}

/** `message` with the varint `value` in `field`, and nothing else there. */
export function withVarint(message: Uint8Array, field: number, value: number | bigint): Uint8Array {
  const tail = new BinaryWriter().tag(field, WireType.Varint).uint64(value).finish();
  return Buffer.concat([...withoutFields(message, new Set([field])), tail]);
}

/** Commits a version in which the entries of an index are what `forge` makes of them. */
export async function forgeEntries(
  uri: string,
  name: string,
  forge: (entry: IndexMetadata) => readonly Uint8Array[],
): Promise<void> {
  const table = new LanceTable(localStore(uri));
  const latest = await table.latest();
  const removed = latest.indexes.filter((index) => index.name === name);
  const added = removed.flatMap(forge);
  const file = spliceManifest(latest, {
    version: latest.version + 1,
    timestampMs: Date.now(),
    writer: { library: 'segmentd', version: '0.0.0-interop' },
    transaction: encodeCreateIndex({
      uuid: randomUUID(),
      readVersion: latest.version,
      added: [...added],
      removed: removed.map(({ raw }) => raw),
      properties: {},
    }),
    transactionFile: '',
    added: added.map((entry) => ({ entry })),
    removed: new Set(removed.map(({ uuid }) => uuid)),
  });
  await table.store.putIfAbsent(await table.manifestKey(latest.version + 1), file);
}
