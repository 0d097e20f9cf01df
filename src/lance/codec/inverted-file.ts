/**
 * What `metadata.lance` of a full-text segment says about how it was built: the schema metadata of a Lance file, one key of which, `params`,
 * has the parameters as JSON.
 *
 *   file   = … global buffers … · table { position u64, size u64 } · footer
 *   footer = 3 × u64, the third of which is where the table begins · 2 × u32 · version 2 × u16 · "LANC"        40 bytes
 *   buffer 0 = FileDescriptor { 1 schema { 5 metadata { 1 key, 2 value } } }
 */
import { Cursor } from './wire.ts';

const FOOTER_BYTES = 40;
const TABLE_ENTRY_BYTES = 16;
const MAGIC = 'LANC';

/** The schema metadata of a Lance file of format 2.0 or newer; null when it is not one. */
export function schemaMetadata(file: Uint8Array): ReadonlyMap<string, string> | null {
  const footer = file.length - FOOTER_BYTES;
  if (footer < 0 || Buffer.from(file.subarray(-MAGIC.length)).toString('latin1') !== MAGIC) return null;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const u64 = (at: number) => Number(view.getBigUint64(at, true));
  const table = u64(footer + 16);
  if (table + TABLE_ENTRY_BYTES > footer) return null;
  const start = u64(table);
  const end = start + u64(table + 8);
  if (end > table) return null;
  const metadata = new Map<string, string>();
  const descriptor = new Cursor(file, start, end);
  while (descriptor.next()) {
    if (descriptor.field === 1) readSchema(descriptor.message(), metadata);
    else descriptor.skip();
  }
  return metadata;
}

function readSchema(schema: Cursor, into: Map<string, string>): void {
  while (schema.next()) {
    if (schema.field !== 5) {
      schema.skip();
      continue;
    }
    const entry = schema.message();
    const pair = { key: '', value: '' };
    while (entry.next()) {
      if (entry.field === 1) pair.key = entry.string();
      else if (entry.field === 2) pair.value = entry.string();
      else entry.skip();
    }
    into.set(pair.key, pair.value);
  }
}

/** The parameters that the segment was built with, by Lance's names; null when the file does not say. */
export function paramsOf(file: Uint8Array): Readonly<Record<string, unknown>> | null {
  try {
    const params: unknown = JSON.parse(schemaMetadata(file)?.get('params') ?? 'null');
    return typeof params === 'object' && !Array.isArray(params) ? (params as Record<string, unknown> | null) : null;
  } catch {
    return null;
  }
}
