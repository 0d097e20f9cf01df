/** A merge that an operator asked for: of what there was when it began, so that it comes to an end however much is appended meanwhile. */
import type { Manifest } from '../lance/codec/manifest.ts';
import type { TablePolicy } from '../lance/plan/row-ids.ts';
import type { KindName } from '../lib/index-kinds.ts';
import type { MergePlan, MergeRule } from './merge-plan.ts';
import { planMerges } from './merge-plan.ts';
import { planMergeTo } from './policy/reduce-to.ts';
import type { MergeSettings } from './policy/tiered.ts';
import { planAhead } from './policy/tiered.ts';

export type AskedMerge = {
  /** Most segments that each index is to keep; null: as many as the policy leaves. */
  readonly to: number | null;
  /** The segments of each merge, by uuid, since it began. */
  runs: readonly (readonly string[])[] | null;
};

type SettingsOf = (kind: KindName) => MergeSettings;

/** What is merged of the segments that there are now. */
export function askedRule(to: AskedMerge['to'], settings: SettingsOf): MergeRule {
  return (segments, kind) => (to === null ? planAhead(segments, settings(kind)) : planMergeTo(segments, to));
}

/** The next merges of what was asked for, which notes what it is to merge at the first look. Errors: those of planMerges. */
export function planAsked(manifest: Manifest, policy: TablePolicy, asked: AskedMerge, settings: SettingsOf): MergePlan {
  asked.runs ??= widest(planMerges(manifest, policy, askedRule(asked.to, settings)).ahead.map(({ inputs }) => inputs));
  return planMerges(manifest, policy, theseRuns(asked.runs));
}

/** Without the merges whose result another one merges again: its rows are written once. */
export function widest(runs: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return runs.filter((run, at) => !runs.slice(at + 1).some((later) => run.every((uuid) => later.includes(uuid))));
}

/** One of which a segment is gone was merged by a batch, or by another writer. */
function theseRuns(runs: readonly (readonly string[])[]): MergeRule {
  return (segments) => {
    const rows = new Map(segments.map((segment) => [segment.uuid, segment.rows]));
    const left = runs.filter((uuids) => uuids.every((uuid) => rows.has(uuid)));
    const joined = left.map((uuids) => ({
      uuids,
      rows: uuids.reduce((sum, uuid) => sum + (rows.get(uuid) as number), 0),
      reason: 'asked' as const,
    }));
    const gone = joined.reduce((sum, { uuids }) => sum + uuids.length - 1, 0);
    return { drop: [], runs: joined, segments: segments.length - gone };
  };
}
