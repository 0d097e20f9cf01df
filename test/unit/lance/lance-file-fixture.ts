/** A Lance file with nothing in it but the metadata of its schema. */
import { message } from './manifest-fixture.ts';

export function lanceFile(metadata: Readonly<Record<string, string>>): Uint8Array {
  const entries = Object.entries(metadata).map(([key, value]) => [5, message([1, key], [2, value])] as const);
  const before = Buffer.from('a column');
  const descriptor = message([1, message(...entries)], [2, 1]);
  const table = Buffer.alloc(16);
  table.writeBigUInt64LE(BigInt(before.length), 0);
  table.writeBigUInt64LE(BigInt(descriptor.length), 8);
  const footer = Buffer.alloc(40);
  footer.writeBigUInt64LE(BigInt(before.length + descriptor.length), 16);
  footer.writeUInt32LE(1, 24);
  footer.writeUInt16LE(2, 32);
  footer.write('LANC', 36);
  return Buffer.concat([before, descriptor, table, footer]);
}
