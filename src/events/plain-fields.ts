/**
 * The fields of an append event as most writers send them, checked by hand: a burst has hundreds of thousands of them a second, and the
 * schema takes ten times as long. The schema stays the truth: what is not plain is left to it, and a test holds both to the same verdict.
 */
import { MAX_EVENT_FRAGMENTS } from '../model.ts';
import type { AppendFields } from './append-fields.ts';
import { MAX_ADDRESS_CHARS, MAX_FRAGMENT_ID, MAX_NOTE_CHARS } from './append-fields.ts';
import { isJsonObject } from './json-value.ts';

/** The value itself when it is an append event in its plain form, else undefined, which is no verdict. */
export function plainFields(value: unknown): AppendFields | undefined {
  if (!isJsonObject(value)) return undefined;
  const { table, version, fragments, backfill, id, time, producer, rows } = value;
  const isPlain =
    typeof table === 'string' &&
    table.length > 0 &&
    table.length <= MAX_ADDRESS_CHARS &&
    isCount(version, 1) &&
    isFragments(fragments) &&
    isAbsent(backfill) &&
    isNote(id) &&
    isNote(time) &&
    isNote(producer) &&
    isCount(rows, 0);
  return isPlain ? (value as AppendFields) : undefined;
}

const isAbsent = (value: unknown) => value === undefined || value === null;
const isInteger = (value: unknown, min: number) => Number.isSafeInteger(value) && (value as number) >= min;
const isCount = (value: unknown, min: number) => isAbsent(value) || isInteger(value, min);
const isNote = (value: unknown) => isAbsent(value) || (typeof value === 'string' && value.length <= MAX_NOTE_CHARS);

function isFragments(value: unknown): boolean {
  if (isAbsent(value)) return true;
  if (!Array.isArray(value) || value.length > MAX_EVENT_FRAGMENTS) return false;
  for (const id of value) if (!isInteger(id, 0) || id > MAX_FRAGMENT_ID) return false;
  return true;
}
