import { CORRUPT_BATCH_HEADER } from '../kafka/corrupt-batch.ts';
import { SegmentdError } from '../lib/errors.ts';
import { sameBytes } from '../lib/same-bytes.ts';
import type { AppendEvent, ConsumerRecord, TableRef } from '../model.ts';
import { appendFields, cutNote, readFields, toAppendEvent } from './append-fields.ts';
import { NO_DEFAULTS, openEnvelope } from './cloud-event.ts';
import { isJsonObject } from './json-value.ts';
import { plainFields } from './plain-fields.ts';
import type { IsOwnCommit } from './s3-notification.ts';
import { isS3Notification, s3AppendEvents } from './s3-notification.ts';
import type { Databases } from './table-address.ts';
import { recentTables, resolveTable } from './table-address.ts';

/** An event is a few hundred bytes; one that names a hundred thousand fragments is less than this. */
const MAX_VALUE_BYTES = 1024 * 1024;

export type EventLimits = { readonly maxValueBytes?: number };
export type DecodeOptions = EventLimits & {
  /** Leaves out this process's own commits from a notification; without it, planning finds nothing to do for them. */
  readonly isOwnCommit?: IsOwnCommit;
  /** Finds the table that an address names. Default: resolveTable. */
  readonly resolve?: (address: string) => TableRef;
};

/**
 * Reads a Kafka record in any accepted form (docs/events.md). `databases` maps configured names to URIs. The result has at
 * most one event per table; it is empty for a valid record that names no append. The record is settled once all
 * of its events are. Its key is not read: it only keeps the events of a table in order.
 * Throws nothing but SegmentdError: `event_empty`, `event_undecodable`, `event_too_large`, `event_not_json`,
 * `event_cloudevent_version`, `event_content_type`, `event_invalid`, `event_table_invalid`, `event_table_outside`,
 * `event_database_unknown`.
 */
export function decodeRecord(
  databases: Databases,
  { value, headers }: Pick<ConsumerRecord, 'value' | 'headers'>,
  options: DecodeOptions = {},
): readonly AppendEvent[] {
  const undecodable = headers.get(CORRUPT_BATCH_HEADER);
  if (value === null && undecodable !== undefined) {
    const reason = cutNote(Buffer.from(undecodable).toString());
    throw new SegmentdError('event_undecodable', `the batch of the record cannot be unpacked: ${reason}`);
  }
  const { data, defaults } = openEnvelope(checkSize(value, options), headers);
  if (isS3Notification(data)) return s3AppendEvents(databases, data, options.isOwnCommit);
  const fields = withDefaults(data, defaults);
  const resolve = options.resolve ?? ((address) => resolveTable(databases, address));
  return [toAppendEvent(plainFields(fields) ?? readFields(appendFields, fields), resolve)];
}

/** The Kafka record of an event: its key keeps the events of one table in order and with one member. */
export function encodeAppendEvent(event: AppendEvent): { key: Buffer; value: Buffer } {
  const { table, ...rest } = event;
  return { key: Buffer.from(table.id), value: Buffer.from(JSON.stringify({ table: table.id, ...rest })) };
}

function checkSize(value: Uint8Array | null, { maxValueBytes = MAX_VALUE_BYTES }: EventLimits): Uint8Array {
  if (value === null || value.byteLength === 0) throw new SegmentdError('event_empty', 'the record has no value');
  if (value.byteLength > maxValueBytes) {
    throw new SegmentdError('event_too_large', `the value has ${value.byteLength} bytes, more than ${maxValueBytes}`);
  }
  return value;
}

/** Many producers write an absent field as null, so null is filled too. */
function withDefaults(data: unknown, defaults: Readonly<Record<string, string>>): unknown {
  if (defaults === NO_DEFAULTS || !isJsonObject(data)) return data;
  const known = Object.entries(defaults);
  const silent = known.filter(([name]) => (data[name] ?? undefined) === undefined);
  return { ...data, ...Object.fromEntries(silent) };
}

/**
 * `decodeRecord` for a stream: a record with the same bytes as the one before it means the same, and is not parsed
 * again while the catalogs stay as they are. Writers that announce "look at this table" and no more send nothing else. What was taken for
 * another writer's commit stays that, though it may turn out to be our own: the plan finds nothing missing.
 */
export function recordDecoder(
  databases: Databases,
  options: DecodeOptions = {},
): (record: Pick<ConsumerRecord, 'value' | 'headers'>) => readonly AppendEvent[] {
  const all = { resolve: recentTables(databases), ...options };
  let last: Uint8Array | undefined;
  let lastChanges = 0;
  let events: readonly AppendEvent[] = [];
  return (record) => {
    const { value, headers } = record;
    // Headers may change what the bytes mean.
    if (value === null || headers.size > 0) return decodeRecord(databases, record, all);
    const changes = databases.listed?.changes ?? 0;
    if (last === undefined || lastChanges !== changes || !sameBytes(last, value)) {
      events = decodeRecord(databases, record, all);
      [last, lastChanges] = [value, changes];
    }
    return events;
  };
}
