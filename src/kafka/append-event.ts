import { messageOf, SegmentdError } from '../lib/errors.ts';
import type { AppendEvent } from '../model.ts';
import { toAppendEvent } from './append-fields.ts';

/** An event is a few hundred bytes; one that names a hundred thousand fragments is less than this. */
const MAX_VALUE_BYTES = 1024 * 1024;

export type EventLimits = { readonly maxValueBytes?: number };

/**
 * Reads the value of a Kafka record as an append event: a JSON object in UTF-8. `databases` maps configured names to URIs.
 * Throws nothing but SegmentdError: `event_empty`, `event_too_large`, `event_not_json`, `event_invalid`,
 * `event_table_invalid`, `event_table_outside`, `event_database_unknown`.
 */
export function decodeAppendEvent(
  databases: ReadonlyMap<string, string>,
  value: Uint8Array | null,
  { maxValueBytes = MAX_VALUE_BYTES }: EventLimits = {},
): AppendEvent {
  if (value === null || value.byteLength === 0) throw new SegmentdError('event_empty', 'the record has no value');
  if (value.byteLength > maxValueBytes) {
    throw new SegmentdError('event_too_large', `the value has ${value.byteLength} bytes, more than ${maxValueBytes}`);
  }
  return toAppendEvent(databases, parse(value));
}

/** The Kafka record of an event: its key keeps the events of one table in order and with one member. */
export function encodeAppendEvent(event: AppendEvent): { key: Buffer; value: Buffer } {
  const { table, ...rest } = event;
  return { key: Buffer.from(table.id), value: Buffer.from(JSON.stringify({ table: table.id, ...rest })) };
}

function parse(value: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value));
  } catch (error) {
    throw new SegmentdError('event_not_json', messageOf(error), { cause: error });
  }
}
