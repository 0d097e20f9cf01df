/**
 * What a lookup in an index of an object store costs: each segment is asked, and each read is a request. Measured with LanceDB 0.39, see
 * docs/decisions/merge-policy-object-stores.md.
 */
import type { SegmentFacts } from '../../lance/inspect/inspect.ts';

/** Requests of a lookup of one value that no cache of the reader holds: per segment, and for the row itself. */
export const LOOKUP_REQUESTS = { perSegment: 3, row: 1 };

/** Requests per lookup in an index with these segments, of which wholly stale ones are not asked; null on a disk. */
export function requestsPerLookup(
  segments: readonly Pick<SegmentFacts, 'fragments'>[],
  { remote }: { readonly remote: boolean },
): number | null {
  const live = segments.filter(({ fragments }) => fragments > 0).length;
  return remote ? LOOKUP_REQUESTS.perSegment * live + LOOKUP_REQUESTS.row : null;
}
