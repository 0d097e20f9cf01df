/**
 * One run of housekeeping of a table, in the order that matters: segments that keep small fragments apart are merged, the fragments are
 * compacted, answers by the remapped segments are compared with a scan, and only then do old versions go. Until the last step everything
 * that was there before can be restored.
 */
import type { Optimized } from '../lance/engine/optimize-table.ts';
import { optimizeTable } from '../lance/engine/optimize-table.ts';
import type { Verification, verifyTable } from '../lance/inspect/verify-table.ts';
import type { TablePolicy } from '../lance/plan/row-ids.ts';
import type { LanceTable } from '../lance/table/table.ts';
import { SegmentdError } from '../lib/errors.ts';
import { planMerges } from '../merge/merge-plan.ts';
import type { MergeParts } from '../merge/merge-table.ts';
import { mergeTable } from '../merge/merge-table.ts';
import { compactable, mergesForCompaction } from './compactable.ts';
import type { MaintainSettings } from './maintain-settings.ts';
import { refuseOptimize } from './optimizable.ts';

/** Values per index that are compared with a scan after a compaction. */
const SAMPLES = 10;

/** Merges of one run. Each is a commit, and makes room for a compaction of two segments at least. */
const MOST_MERGES = 64;

/** No version is older. */
const NONE_MS = 0;

export type MaintainParts = {
  readonly settings: Pick<MaintainSettings, 'keepVersionsMs' | 'maxMemoryBytes'>;
  readonly policy: TablePolicy;
  /** Most rows that a merge gives a segment. */
  readonly maxSegmentRows: number;
  readonly merge: MergeParts;
  /** Ends the run between two steps, and the process that compacts at once. */
  readonly signal?: AbortSignal;
  /** For tests. */
  readonly optimize?: typeof optimizeTable;
  readonly verify?: typeof verifyTable;
};

/** With the modules of apache-arrow, which a daemon without housekeeping starts without. */
const verifyWhenAsked: typeof verifyTable = async (...asked) => {
  const { verifyTable } = await import('../lance/inspect/verify-table.ts');
  return verifyTable(...asked);
};

export type Maintained = Omit<Optimized, 'peakBytes'> & {
  /** The version that the run left. */
  readonly version: number;
  /** Segments that were replaced by larger ones first. */
  readonly segmentsMerged: number;
  /** Conditions whose answers by the index were compared with a scan. */
  readonly answers: number;
  /** Most memory that the process which compacts was seen to take. */
  readonly peakBytes: number;
};

const NOTHING: Optimized = { fragmentsRemoved: 0, fragmentsAdded: 0, versionsRemoved: 0, bytesFreed: 0, peakBytes: 0 };

/** Errors: those of refuseOptimize, of optimizeTable and of mergeTable; optimize_unproven: nothing was cleaned up. */
export async function maintainTable(table: LanceTable, parts: MaintainParts): Promise<Maintained> {
  const { settings, signal, optimize = optimizeTable, verify = verifyWhenAsked } = parts;
  const { maxMemoryBytes, keepVersionsMs } = settings;
  const manifest = await table.latest({ listed: true });
  refuseOptimize(manifest, parts.policy);
  const { fragments } = manifest;
  const isCompacted = compactable(fragments).taken > 0;
  const segmentsMerged = isCompacted ? await mergeFirst(table, parts) : 0;
  const compacted = isCompacted
    ? await optimize(table.place(), { cleanupOlderThanMs: NONE_MS, maxMemoryBytes }, signal)
    : NOTHING;
  // What was compacted is compared with a scan; in any case the files have to be there before older versions go.
  const proof = await verify(table, compacted.fragmentsRemoved > 0 ? SAMPLES : 0);
  if (proof.findings.length > 0) throw unproven(proof);
  const cleanupOlderThanMs = Date.now() - keepVersionsMs;
  const cleaned = await optimize(table.place(), { cleanupOlderThanMs, maxMemoryBytes }, signal);
  const { version } = await table.latest({ listed: true });
  return {
    version,
    segmentsMerged,
    answers: proof.answers,
    fragmentsRemoved: compacted.fragmentsRemoved + cleaned.fragmentsRemoved,
    fragmentsAdded: compacted.fragmentsAdded + cleaned.fragmentsAdded,
    versionsRemoved: compacted.versionsRemoved + cleaned.versionsRemoved,
    bytesFreed: compacted.bytesFreed + cleaned.bytesFreed,
    peakBytes: Math.max(compacted.peakBytes, cleaned.peakBytes),
  };
}

function unproven({ uri, version, findings }: Verification): SegmentdError {
  const [first] = findings;
  const more = findings.length > 1 ? `, and ${findings.length - 1} more` : '';
  return new SegmentdError(
    'optimize_unproven',
    `${uri} has findings at version ${version}: ${first?.index}: ${first?.message}${more}`,
  );
}

/** Resolves to how many segments were replaced. One that another writer was faster than is left: the compaction then does less. */
async function mergeFirst(
  table: LanceTable,
  { policy, maxSegmentRows, merge, signal }: MaintainParts,
): Promise<number> {
  let replaced = 0;
  for (let merges = 0; merges < MOST_MERGES && !signal?.aborted; merges++) {
    const manifest = await table.latest();
    const plan = planMerges(manifest, policy, mergesForCompaction(manifest, maxSegmentRows));
    if (plan.merges.length === 0) break;
    const { kind } = await mergeTable(table, manifest, plan, merge);
    if (kind === 'rejected') break;
    replaced += plan.remove.length;
  }
  return replaced;
}
