/** Which segments of a table to replace by larger ones, from its manifest. Pure. */
import type { IndexMetadata } from '../lance/codec/index-metadata.ts';
import type { Manifest } from '../lance/codec/manifest.ts';
import type { IndexState } from '../lance/plan/index-plan.ts';
import { unreadableFragments } from '../lance/plan/newer-files.ts';
import { requestFor } from '../lance/plan/next-segments.ts';
import type { TablePolicy } from '../lance/plan/row-ids.ts';
import { recordsRowIds, servedIndexes } from '../lance/plan/row-ids.ts';
import { isReplacedWhole, withVersion } from '../lance/plan/table-plan.ts';
import type { SegmentRequest } from '../lance/segment.ts';
import type { KindName } from '../lib/index-kinds.ts';
import { isCompactionCandidate, isMuchDeleted } from './compaction-backoff.ts';
import type { MergeCandidate, MergeReason, MergesAhead } from './policy/candidates.ts';

/** How an index is to be merged: the whole way ahead while nothing is appended. */
export type MergeRule = (segments: readonly MergeCandidate[], kind: KindName) => MergesAhead;

/** One segment that replaces several. */
export type PlannedMerge = {
  readonly index: string;
  readonly column: string;
  readonly reason: MergeReason;
  /** Uuids of the segments it replaces. */
  readonly inputs: readonly string[];
  /** Live rows of the result. */
  readonly rows: number;
  /** Bytes of the files of the inputs, as far as the manifest has their sizes. */
  readonly bytes: number;
};

export type MergePlan = {
  readonly states: readonly IndexState[];
  /** What is due now: one merge per index at most, all in one commit. */
  readonly merges: readonly PlannedMerge[];
  /** These and all that come after them, as far as the rule looks ahead; a merge of results names what these were made of. */
  readonly ahead: readonly PlannedMerge[];
  /** Live segments of each index that are left then. */
  readonly left: readonly { readonly index: string; readonly segments: number }[];
  /** The segments to build for them. */
  readonly requests: readonly SegmentRequest[];
  /** Uuids of all that they replace. */
  readonly remove: readonly string[];
  /** Merges that are due, the ones of this plan included: as many as the rule looks ahead. */
  readonly pending: number;
  /** Whether a segment that others may be compacting is replaced. */
  readonly touchesCandidates: boolean;
  /** Live rows of each segment, for the tiers. */
  readonly segmentRows: readonly number[];
};

/** Errors: the code of a declined table, and those of maintainedIndexes. */
export function planMerges(manifest: Manifest, policy: TablePolicy, rule: MergeRule): MergePlan {
  const states = servedIndexes(manifest, policy);
  const due = states.map((state) => {
    const candidates = state.segments
      .filter((segment) => isReadable(segment, manifest))
      .map((segment) => candidateOf(segment, manifest));
    const rebuilt = recordsRowIds(manifest, state, policy.stableRowIds) || isReplacedWhole(manifest, state);
    // An index that is replaced whole sooner or later, whatever its segments look like, has nothing to merge.
    return {
      state,
      candidates,
      ahead: rebuilt
        ? { drop: [], runs: [], segments: candidates.length }
        : buildable(rule(candidates, state.kind.name), state, manifest),
    };
  });
  const next = due.flatMap(({ ahead: { runs }, ...rest }) => (runs[0] ? [{ ...rest, run: runs[0] }] : []));
  const merges = next.map(({ state, run }) => plannedMerge(state, run.uuids, run.reason, run.rows));
  return {
    states,
    merges,
    ahead: due.flatMap(({ state, ahead: { runs } }) =>
      runs.map((run) => plannedMerge(state, run.uuids, run.reason, run.rows)),
    ),
    left: due.map(({ state, ahead: { segments } }) => ({ index: state.name, segments })),
    requests: next.map(({ state, run }) =>
      withVersion(requestOf(state, run.uuids, manifest), manifest, states, policy),
    ),
    remove: next.flatMap(({ run }) => run.uuids),
    pending: due.reduce((sum, { ahead: { runs } }) => sum + runs.length, 0),
    touchesCandidates: next.some(({ run, candidates }) =>
      candidates.some((it) => run.uuids.includes(it.uuid) && isCompactionCandidate(it)),
    ),
    segmentRows: due.flatMap(({ candidates }) => candidates.map(({ rows }) => rows)),
  };
}

/** Deletions may have left less than a segment of the kind can be built over: then it stays as it is. */
function buildable(ahead: MergesAhead, state: IndexState, manifest: Manifest): MergesAhead {
  const { kind, barren } = state;
  const isBarren = (uuids: readonly string[]) =>
    barren.size > 0 && requestOf(state, uuids, manifest).fragments.every((id) => barren.has(id));
  return { ...ahead, runs: ahead.runs.filter(({ rows, uuids }) => rows >= kind.leastRows && !isBarren(uuids)) };
}

/** A newer Lance may have built a segment over fragments that the engine cannot read: that one stays as it is. */
const isReadable = ({ fragments }: IndexMetadata, manifest: Manifest) =>
  unreadableFragments(manifest, fragments ?? []).size === 0;

function candidateOf({ uuid, fragments }: IndexMetadata, { fragments: current }: Manifest): MergeCandidate {
  const positions: number[] = [];
  let from = 0;
  for (const id of fragments ?? []) {
    // Both lists are sorted, so the search goes on where the last one ended.
    from = current.lowerBound(id, from);
    if (current.ids[from] === id) positions.push(from);
  }
  return {
    uuid,
    rows: positions.reduce((sum, position) => sum + (current.rows[position] as number), 0),
    positions: Uint32Array.from(positions),
    hasMuchDeleted: positions.some((at) => isMuchDeleted(current.rows[at] as number, current.deleted[at] as number)),
  };
}

const bytesOf = (files: IndexMetadata['files']) => files.reduce((sum, file) => sum + file.bytes, 0);

function inputsOf({ segments }: IndexState, uuids: readonly string[]): IndexMetadata[] {
  const wanted = new Set(uuids);
  return segments.filter(({ uuid }) => wanted.has(uuid));
}

function plannedMerge(state: IndexState, uuids: readonly string[], reason: MergeReason, rows: number): PlannedMerge {
  const { name: index, column } = state;
  const bytes = inputsOf(state, uuids).reduce((sum, { files }) => sum + bytesOf(files), 0);
  return { index, column, reason, inputs: uuids, rows, bytes };
}

/** The live fragments of all inputs. */
function requestOf(state: IndexState, uuids: readonly string[], { fragments: current }: Manifest): SegmentRequest {
  const ids = inputsOf(state, uuids).flatMap(({ fragments }) => Array.from(fragments ?? []));
  const live = Uint32Array.from(ids.filter((id) => current.indexOf(id) >= 0)).sort();
  const rows = live.reduce((sum, id) => sum + (current.rows[current.indexOf(id)] as number), 0);
  return requestFor(state, live, rows);
}
