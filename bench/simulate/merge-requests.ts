/**
 * What segments and their merges cost in requests to an object store: a lookup by the segments that it asks, a merge by the fragments that
 * it reads and the objects that it writes. One index, and one fragment per batch.
 */
import { LOOKUP_REQUESTS } from '../../src/commands/tables/lookup-requests.ts';
import type { Result } from './merge-model.ts';

/** GETs of a build per fragment: the tail of the file, its head, the pages of the column. */
const GETS_PER_FRAGMENT = 3;

/** Objects of a merge: the two files of its segment, and the transaction and the manifest of a version of its own. */
const PUTS_PER_MERGE = 4;

/** GETs that a PUT costs as much as, by the list price of S3 Standard: $5 and $0.40 a million. */
const GETS_PER_PUT = 12.5;

export type Requests = {
  /** On average over time. */
  readonly perLookup: number;
  /** Of merging, per batch. */
  readonly gets: number;
  readonly puts: number;
};

export function requestsOf(
  { average, merges, fragmentsRead }: Pick<Result, 'average' | 'merges' | 'fragmentsRead'>,
  batches: number,
): Requests {
  return {
    perLookup: LOOKUP_REQUESTS.perSegment * average + LOOKUP_REQUESTS.row,
    gets: (GETS_PER_FRAGMENT * fragmentsRead) / batches,
    puts: (PUTS_PER_MERGE * merges) / batches,
  };
}

/** Lookups per batch from which one setting costs less than another, in money; null when it never does. */
export function paysFrom(setting: Requests, other: Requests): number | null {
  const merging = ({ gets, puts }: Requests) => gets + GETS_PER_PUT * puts;
  const more = merging(setting) - merging(other);
  const saved = other.perLookup - setting.perLookup;
  if (saved <= 0) return null;
  return Math.max(0, more / saved);
}
