import type { AppendEvent, ConsumerRecord } from '../model.ts';
import type { EventLimits } from './append-event.ts';
import { decodeRecord } from './append-event.ts';

/**
 * `decodeRecord` for a stream: a record with the same bytes as the one before it means the same, and is not parsed
 * again. Writers that announce "look at this table" and no more send nothing else.
 */
export function recordDecoder(
  databases: ReadonlyMap<string, string>,
  limits: EventLimits = {},
): (record: Pick<ConsumerRecord, 'value' | 'headers'>) => readonly AppendEvent[] {
  let last: { readonly value: Uint8Array; readonly events: readonly AppendEvent[] } | undefined;
  return (record) => {
    const { value, headers } = record;
    // Headers may change what the bytes mean.
    if (value === null || headers.size > 0) return decodeRecord(databases, record, limits);
    if (last === undefined || Buffer.compare(last.value, value) !== 0) {
      last = { value, events: decodeRecord(databases, record, limits) };
    }
    return last.events;
  };
}
