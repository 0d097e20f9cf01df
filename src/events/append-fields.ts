import * as z from 'zod';
import { SegmentdError } from '../lib/errors.ts';
import type { AppendEvent, TableRef } from '../model.ts';
import { MAX_EVENT_FRAGMENTS } from '../model.ts';

/** Lance keeps fragment ids in 32 bits. */
export const MAX_FRAGMENT_ID = 2 ** 32 - 1;
/** A full object store URI with its longest table name fits; a document does not. */
export const MAX_ADDRESS_CHARS = 2_048;
/** Provenance goes into log lines. */
export const MAX_NOTE_CHARS = 256;
const MAX_PROBLEMS = 3;

const note = z.string().max(MAX_NOTE_CHARS).nullish();
const fragment = z.int().min(0).max(MAX_FRAGMENT_ID);
const count = (min: number) => z.int().min(min).nullish();

/**
 * The fields of an append event, from whatever format they came. Unknown ones are ignored: producers may say more. Many write
 * an absent field as null.
 */
export const appendFields = z.object({
  table: z.string().min(1).max(MAX_ADDRESS_CHARS),
  version: count(1),
  fragments: z.array(fragment).max(MAX_EVENT_FRAGMENTS).nullish(),
  backfill: z.object({ id: z.string().min(1).max(MAX_NOTE_CHARS), first: fragment, last: fragment }).nullish(),
  id: note,
  time: note,
  producer: note,
  rows: count(0),
});

export type AppendFields = z.output<typeof appendFields>;

/**
 * The end of every event format: the fields that are given, and the table that they name. Throws what `resolve` throws.
 */
export function toAppendEvent(fields: AppendFields, resolve: (address: string) => TableRef): AppendEvent {
  const { version, fragments, backfill, id, time, producer, rows } = fields;
  const event: { -readonly [field in keyof AppendEvent]: AppendEvent[field] } = { table: resolve(fields.table) };
  if (isGiven(version)) event.version = version;
  if (isGiven(fragments)) event.fragments = fragments;
  if (isGiven(backfill)) event.backfill = backfill;
  if (isGiven(id)) event.id = id;
  if (isGiven(time)) event.time = time;
  if (isGiven(producer)) event.producer = producer;
  if (isGiven(rows)) event.rows = rows;
  return event;
}

const isGiven = <T>(value: T): value is NonNullable<T> => value !== undefined && value !== null;

/** Checks the shape of a value. Throws SegmentdError `event_invalid`, which names the first problems with their path. */
export function readFields<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues
    .slice(0, MAX_PROBLEMS)
    .map(({ path, message }) => `${path.length === 0 ? 'event' : path.join('.')}: ${message}`);
  throw new SegmentdError('event_invalid', problems.join('; '));
}

/** Provenance from an envelope that other systems write: cut, where the same in an append event would be refused. */
export const cutNote = (text: string): string => text.slice(0, MAX_NOTE_CHARS);
