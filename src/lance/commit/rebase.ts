/**
 * What of a finished change may stand on top of a newer manifest. Pure; the rules are lance-format 4.3, a diff of the two
 * manifests rather than of the transactions between them, so that it holds whatever happened in between.
 */
import type { DataFragment } from '../codec/data-fragment.ts';
import { decodeDataFragment, fieldSource } from '../codec/data-fragment.ts';
import type { IndexMetadata } from '../codec/index-metadata.ts';
import { hasDetails } from '../codec/index-metadata.ts';
import type { Manifest } from '../codec/manifest.ts';
import { lineagesOf } from '../codec/schema-field.ts';
import { kindNamed, kindOf, sameParameters } from '../plan/index-kind.ts';
import { hasStableRowIds, unsupportedReason } from '../plan/supported.ts';
import type { BuiltSegment } from '../segment.ts';
import type { ReplanCause } from './reject-causes.ts';

/** A change to the index section, built against `base`. */
export type TableChange = {
  readonly base: Manifest;
  readonly addSegments: readonly BuiltSegment[];
  /** Uuids of segments that the added ones replace; all must still be there. */
  readonly removeSegments: readonly string[];
};

export type RebasedSegment = {
  readonly segment: BuiltSegment;
  /** What is left of its fragments. */
  readonly fragments: readonly number[];
  /** Live segments of the name in the manifest to be replaced. */
  readonly siblings: readonly IndexMetadata[];
};

export type Rebased = {
  readonly keep: readonly RebasedSegment[];
  readonly skipped: readonly { readonly segment: BuiltSegment; readonly cause: ReplanCause }[];
  /** Fragments that left the bitmaps of kept segments. */
  readonly droppedFragments: number;
  /** Segments of the same indexes whose fragments are all gone: they leave along with those that are replaced. */
  readonly stale: readonly string[];
};

/**
 * Applies the conflict rules to `change` as it would stand on `latest`; a cause when nothing of it can stand. `noRowsRestored`: it is
 * certain that no deleted row came back in between.
 */
export function rebaseChange(change: TableChange, latest: Manifest, noRowsRestored = false): Rebased | ReplanCause {
  const { base } = change;
  if (latest.version < base.version) return 'table_replaced';
  const stable = hasStableRowIds(base);
  if (unsupportedReason(latest) || hasStableRowIds(latest) !== stable) return 'table_declined';
  const removed = new Set(change.removeSegments);
  const unchanged = (uuid: string) => sameEntry(byUuid(base, uuid), byUuid(latest, uuid));
  if (!change.removeSegments.every(unchanged)) return 'input_gone';

  const keep: RebasedSegment[] = [];
  const skipped: { segment: BuiltSegment; cause: ReplanCause }[] = [];
  for (const segment of change.addSegments) {
    const siblings = latest.indexes.filter((index) => index.name === segment.index && !removed.has(index.uuid));
    const taken = [...siblings, ...keep.filter((kept) => kept.segment.index === segment.index)];
    const cause =
      conflictOf(segment, base, latest) ??
      (siblings.every((it) => canStandBeside(it, segment)) ? null : 'index_changed') ??
      (stable && segment.indexVersion !== 1 ? rebuildConflict(segment, base, latest, siblings) : null);
    const fragments = cause
      ? []
      : liveFragments(segment, taken, (id) => hasNoMoreRows(id, base, latest, noRowsRestored));
    const isCut = fragments.length < segment.fragments.length && kindNamed(segment.kind).standsWhole;
    if (fragments.length > 0 && !isCut) keep.push({ segment, fragments, siblings });
    else skipped.push({ segment, cause: cause ?? (fragments.length > 0 ? 'rows_moved' : 'nothing_left') });
  }
  if (keep.length === 0 && change.addSegments.length > 0) return skipped[0]?.cause ?? 'nothing_left';
  // What is replaced must be replaced whole: nothing may be uncovered that was covered before.
  if (removed.size > 0 && skipped.length > 0) return skipped[0]?.cause ?? 'nothing_left';
  const replaced = latest.indexes.filter(({ uuid }) => removed.has(uuid));
  if (change.addSegments.length > 0 && replaced.some((input) => uncovers(keep, input, latest))) return 'rows_moved';
  const droppedFragments = keep.reduce((sum, it) => sum + it.segment.fragments.length - it.fragments.length, 0);
  const stale = keep.flatMap(({ siblings }) => siblings.filter((index) => isStale(index, latest)));
  return { keep, skipped, droppedFragments, stale: stale.map(({ uuid }) => uuid) };
}

/**
 * Beside one without details the new segment would have to be without them too; the next plan replaces them. Lance refuses an index of
 * segments that record different things about a row, and queries fail on one whose segments were built with different parameters.
 */
function canStandBeside(sibling: IndexMetadata, { kind: name, parameters, indexVersion = 0 }: BuiltSegment): boolean {
  const kind = kindNamed(name);
  if (!hasDetails(sibling) || !kind.matches(sibling)) return false;
  if (kind.mixesVersions ? !kind.versions.includes(sibling.indexVersion) : sibling.indexVersion !== indexVersion) {
    return false;
  }
  try {
    return sameParameters(kind.parametersOf(sibling), parameters);
  } catch {
    // Of a writer that says more than is known here.
    return false;
  }
}

/**
 * Whether a fragment under the segments to be replaced would be in none any more: one with rows that a restore has brought back, or
 * one that was gone from the table when the build read it and is back whole.
 */
function uncovers(keep: readonly RebasedSegment[], { name, fragments }: IndexMetadata, latest: Manifest): boolean {
  const others = keep.filter(({ segment }) => segment.index === name);
  const covered = (id: number) => [...others, ...(others[0]?.siblings ?? [])].some((it) => covers(it, id));
  return Array.from(fragments ?? []).some((id) => latest.fragments.indexOf(id) >= 0 && !covered(id));
}

/**
 * Whether a segment that left the index after `before` may be in it again as it was: each of its fragments is the same, or just as
 * gone, and no segment that stays covers any.
 */
export function canRestore(
  segment: IndexMetadata,
  before: Manifest,
  latest: Manifest,
  leaving: ReadonlySet<string>,
): boolean {
  const stay = latest.indexes.filter(({ name, uuid }) => name === segment.name && !leaving.has(uuid));
  const bytesOf = ({ fragments }: Manifest, id: number) => {
    const at = fragments.indexOf(id);
    return at < 0 ? Buffer.alloc(0) : fragments.bytesOf(at);
  };
  return Array.from(segment.fragments ?? []).every(
    (id) => Buffer.compare(bytesOf(before, id), bytesOf(latest, id)) === 0 && !stay.some((it) => covers(it, id)),
  );
}

/** Lance itself drops such a segment with its next commit, unless it is the last of its name. */
function isStale({ fragments }: IndexMetadata, latest: Manifest): boolean {
  // Nearly always the first is there.
  for (const id of fragments ?? []) if (latest.fragments.indexOf(id) >= 0) return false;
  return fragments !== null;
}

const byUuid = (manifest: Manifest, uuid: string) => manifest.indexes.find((index) => index.uuid === uuid);

/**
 * Writers encode the entries that they copy differently, as Lance does with those of segmentd in its next append: what counts is the
 * content of an entry. A uuid never names other files.
 */
function sameEntry(a: IndexMetadata | undefined, b: IndexMetadata | undefined): boolean {
  if (!a?.fragments || !b?.fragments) return false;
  return a.name === b.name && a.fields.join() === b.fields.join() && sameIds(a.fragments, b.fragments);
}

const sameIds = (a: Uint32Array, b: Uint32Array) => a.length === b.length && a.every((id, at) => id === b[at]);

function conflictOf(segment: BuiltSegment, base: Manifest, latest: Manifest): ReplanCause | null {
  const before = base.indexes.some((index) => index.name === segment.index);
  const now = latest.indexes.filter((index) => index.name === segment.index);
  if (before && now.length === 0) return 'index_dropped';
  const isOther = (index: IndexMetadata) =>
    kindOf(index)?.name !== segment.kind || index.fields[0] !== segment.fieldId || !index.fragments;
  if (now.some(isOther)) {
    return 'index_changed';
  }
  const typeOf = (manifest: Manifest) => manifest.schema.find((field) => field.id === segment.fieldId)?.logicalType;
  if (typeOf(latest) === undefined || typeOf(latest) !== typeOf(base)) return 'column_changed';
  return isRewritten(segment, base, latest) ? 'column_changed' : null;
}

/**
 * Whether the column of a fragment that is still there was rewritten in place. Leaving such a fragment out of the bitmap is not
 * enough: Lance masks all segments of an index by the union of their bitmaps, so once another segment covers the fragment, what
 * this one recorded about it would answer again. The whole segment has to go.
 */
function isRewritten(segment: BuiltSegment, base: Manifest, latest: Manifest): boolean {
  if (base === latest) return false;
  const lineages = lineagesOf(base.schema, segment.fieldId);
  return Array.from(segment.fragments).some((id) => {
    const both = fragmentPair(id, base, latest);
    return both !== null && !lineages.every((lineage) => isSame(both, lineage));
  });
}

/** A field whose source is not to be found counts as changed: two unknowns need not be the same. */
function isSame({ before, now }: Record<'before' | 'now', DataFragment>, lineage: readonly number[]): boolean {
  const source = fieldSource(before, lineage);
  return source !== null && source === fieldSource(now, lineage);
}

/** The fragment then and now, or null when it is gone or the same to the byte. */
function fragmentPair(id: number, base: Manifest, latest: Manifest) {
  const [was, is] = [base.fragments.indexOf(id), latest.fragments.indexOf(id)];
  if (was < 0 || is < 0) return null;
  const [before, now] = [base.fragments.bytesOf(was), latest.fragments.bytesOf(is)];
  if (Buffer.compare(before, now) === 0) return null;
  return { before: decodeDataFragment(before), now: decodeDataFragment(now) };
}

/**
 * A rebuilt segment holds row ids, not addresses: any change to a fragment it read may have moved rows that it knows under
 * their old values, and any segment beside it may answer for the same rows.
 */
function rebuildConflict(
  segment: BuiltSegment,
  base: Manifest,
  latest: Manifest,
  siblings: readonly IndexMetadata[],
): ReplanCause | null {
  const same = (id: number) => {
    const [was, is] = [base.fragments.indexOf(id), latest.fragments.indexOf(id)];
    return was >= 0 && is >= 0 && Buffer.compare(base.fragments.bytesOf(was), latest.fragments.bytesOf(is)) === 0;
  };
  return siblings.length === 0 && Array.from(segment.fragments).every(same) ? null : 'rows_moved';
}

/** Fragments of the segment that are still there with no more rows than it read, and that no other segment covers. */
function liveFragments(
  segment: BuiltSegment,
  taken: readonly { readonly fragments: ArrayLike<number> | null }[],
  isThere: (id: number) => boolean,
): number[] {
  const isTaken = (id: number) => taken.some((it) => covers(it, id));
  return Array.from(segment.fragments).filter((id) => !isTaken(id) && isThere(id));
}

const covers = ({ fragments }: { readonly fragments: ArrayLike<number> | null }, id: number) =>
  fragments !== null && includesSorted(fragments, id);

/** Bitmaps decode to sorted ids; a new segment has few and its siblings may have very many. */
function includesSorted(sorted: ArrayLike<number>, id: number): boolean {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < id) low = middle + 1;
    else high = middle;
  }
  return sorted[low] === id;
}

/**
 * A restore brings deleted rows back, which the segment does not have. An unchanged file proves that none came back, and so does one
 * that replaced it while rows could only be deleted.
 */
function hasNoMoreRows(id: number, base: Manifest, latest: Manifest, noRowsRestored: boolean): boolean {
  if (latest.fragments.indexOf(id) < 0) return false;
  if (!hasOtherDeletions(id, base, latest)) return true;
  return noRowsRestored && rowsIn(latest, id) <= rowsIn(base, id);
}

const rowsIn = ({ fragments }: Manifest, id: number) => fragments.rows[fragments.indexOf(id)] as number;

/** Whether other rows are deleted in a fragment than when it was read, where some were deleted then. */
function hasOtherDeletions(id: number, base: Manifest, latest: Manifest): boolean {
  const both = base === latest ? null : fragmentPair(id, base, latest);
  if (!both || both.before.deletions === null) return false;
  return both.now.deletions === null || Buffer.compare(both.before.deletions, both.now.deletions) !== 0;
}

/** Whether the change depends on what happened between its base and `latest`: only then is it worth reading. */
export function needsRowHistory({ base, addSegments: add }: TableChange, latest: Manifest): boolean {
  return add.some(({ fragments }) => Array.from(fragments).some((id) => hasOtherDeletions(id, base, latest)));
}
