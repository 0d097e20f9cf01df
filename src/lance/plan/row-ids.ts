/**
 * What the segments of an index record about a row. Pure.
 *
 * On a table without stable row ids that is the row's address, and Lance writes index version 0. With stable row ids a segment of version
 * 0 records the stable id, which an updated row keeps, so that two segments may answer for one row; one of version 1, which Lance 14
 * and newer write and read, records the address again. Such segments are added to, merged and masked like those of any table. Lance
 * refuses to mix the two under one name, and Lance before 14 leaves segments of version 1 alone and scans.
 */
import { SegmentdError } from '../../lib/errors.ts';
import type { Manifest } from '../codec/manifest.ts';
import type { IndexVersion } from '../segment.ts';
import { versionsReason } from './check-index.ts';
import type { IndexState, IndexSurvey } from './index-plan.ts';
import { surveyIndexes } from './index-plan.ts';
import { BTREE } from './kinds/btree.ts';
import type { Unsupported } from './supported.ts';
import { hasStableRowIds, MANAGED_VERSIONING, unsupportedReason } from './supported.ts';
import type { WantedIndexes } from './wanted-index.ts';

/**
 * What to do with the indexes of a table with stable row ids that do not record addresses. `decline`: leave the table alone. `rebuild`:
 * build the index anew, whole, each time. `addresses`: make those that are not there yet of version 1, and leave the others alone.
 */
export type StableRowIds = 'decline' | 'rebuild' | 'addresses';

/** What the configuration, and the catalog of its database, say about a table. */
export type TablePolicy = {
  readonly wanted: WantedIndexes;
  readonly stableRowIds: StableRowIds;
  /** Rows that a vector index has to miss before a segment is built. Default: DEFAULT_MIN_ROWS. */
  readonly minRows?: number | undefined;
  /** Whether a catalog decides which version of the table is the latest. */
  readonly managedVersioning?: boolean;
};

export const DEFAULT_POLICY: TablePolicy = { wanted: 'existing', stableRowIds: 'decline' };

/** The version of the next segment of an index: that of its segments, since one is never turned into the other. */
export function nextIndexVersion(
  manifest: Manifest,
  { segments }: Pick<IndexState, 'segments'>,
  stableRowIds: StableRowIds,
): IndexVersion {
  if (!hasStableRowIds(manifest)) return 0;
  const [first] = segments;
  if (first) return first.indexVersion === 1 ? 1 : 0;
  return stableRowIds === 'addresses' ? 1 : 0;
}

/** Whether its segments record stable row ids: then only one over everything that replaces all others is right (lance-format 4.6). */
export function recordsRowIds(
  manifest: Manifest,
  state: Pick<IndexState, 'segments'>,
  stableRowIds: StableRowIds,
): boolean {
  return hasStableRowIds(manifest) && nextIndexVersion(manifest, state, stableRowIds) === 0;
}

/** What BTREEs of a table without stable row ids are. */
const OVER_ADDRESSES = { versions: [0], mixesVersions: false };

/** Why the indexes of a table are left alone because of what their segments record, or null. */
export function rowIdsReason(
  manifest: Manifest,
  states: readonly IndexState[],
  stableRowIds: StableRowIds,
): Unsupported | null {
  const stable = hasStableRowIds(manifest);
  for (const { name, kind, segments } of states) {
    // Of the other kinds a version says nothing about rows, and was looked at with the index.
    const reason = kind === BTREE ? versionsReason(name, segments, stable ? BTREE : OVER_ADDRESSES) : null;
    if (reason) return reason;
  }
  return stable && stableRowIds !== 'rebuild' ? stableRowIdsReason(manifest, states, stableRowIds) : null;
}

function stableRowIdsReason(
  manifest: Manifest,
  states: readonly IndexState[],
  stableRowIds: StableRowIds,
): Unsupported | null {
  const state = states.find((it) => recordsRowIds(manifest, it, stableRowIds));
  if (state) {
    const what = state.segments.length > 0 ? 'records them' : 'is not there yet';
    return {
      code: 'table_stable_row_ids',
      message: `the table has stable row ids, and index "${state.name}" ${what}`,
    };
  }
  if (states.length > 0 || stableRowIds !== 'decline') return null;
  return { code: 'table_stable_row_ids', message: 'the table has stable row ids' };
}

/** The indexes that segmentd maintains in a table. Errors: the code of a declined table, and those of maintainedIndexes. */
export function servedIndexes(manifest: Manifest, policy: TablePolicy): readonly IndexState[] {
  return surveyServed(manifest, policy).served;
}

/** The same, with those that it leaves alone. */
export function surveyServed(
  manifest: Manifest,
  { wanted, stableRowIds, minRows, managedVersioning = false }: TablePolicy,
): IndexSurvey {
  refuse(managedVersioning ? MANAGED_VERSIONING : unsupportedReason(manifest));
  const survey = surveyIndexes(manifest, wanted, minRows);
  refuse(rowIdsReason(manifest, survey.served, stableRowIds));
  return survey;
}

/** Throws the reason, if there is one. */
export function refuse(declined: Unsupported | null): void {
  if (declined) throw new SegmentdError(declined.code, declined.message);
}
