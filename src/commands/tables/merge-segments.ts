/** Merges small segments of a table. */
import type { TablePolicy } from '../../lance/plan/row-ids.ts';
import { DEFAULT_POLICY, surveyServed } from '../../lance/plan/row-ids.ts';
import type { LanceTable } from '../../lance/table/table.ts';
import { openScratch } from '../../lib/scratch.ts';
import { VERSION } from '../../lib/version.ts';
import type { MergePlan, MergeRule, PlannedMerge } from '../../merge/merge-plan.ts';
import { planMerges } from '../../merge/merge-plan.ts';
import type { Merged } from '../../merge/merge-table.ts';
import { mergeTable } from '../../merge/merge-table.ts';
import { planMergeTo } from '../../merge/policy/reduce-to.ts';
import { defaultMerge, planAhead } from '../../merge/policy/tiered.ts';
import type { Invocation, Output } from '../terminal/io.ts';
import { counted, formatBytes, formatTable, printable, printJson, printLine, printLines } from '../terminal/output.ts';
import { FruitlessRounds } from './fruitless-rounds.ts';
import type { MergeAnswer, MergeForecast } from './json-answers.ts';
import { formatLeft, leftFacts, leftToSay } from './left-alone.ts';
import type { PlaceOptions } from './places.ts';
import { openTable } from './places.ts';
import { COMMIT } from './work-settings.ts';

export type MergeOptions = PlaceOptions & {
  to?: number;
  dryRun?: boolean;
  memory?: number;
  json?: boolean;
  scratchDir: string;
};

/** A merge that landed, as it is printed. */
type Done = { readonly version: number; readonly merges: readonly PlannedMerge[]; readonly merged: Merged };

export async function merge(io: Invocation, uri: string, { to, dryRun, json, ...rest }: MergeOptions): Promise<void> {
  const { table, policy = DEFAULT_POLICY } = await openTable(io, uri, rest);
  const { remote } = table.store;
  const rule: MergeRule = (segments, kind) =>
    to === undefined ? planAhead(segments, defaultMerge(remote, kind)) : planMergeTo(segments, to);
  const manifest = await table.latest();
  const plan = planMerges(manifest, policy, rule);
  const left = leftToSay(surveyServed(manifest, policy), policy.wanted);
  const left_alone = leftFacts(left);
  const printLeftAlone = () => printLines(io.stdout, formatLeft(left));
  if (dryRun) {
    const { pending, ahead: merges } = plan;
    const forecast: MergeForecast = { uri: table.uri, version: manifest.version, pending, merges, left_alone };
    if (json) return printJson(io.stdout, forecast);
    printPlan(io.stdout, printable(table.uri), plan);
    return printLeftAlone();
  }
  const done = plan.merges.length === 0 ? [] : await mergeAll(table, policy, rule, rest);
  const version = done.at(-1)?.version ?? manifest.version;
  const answer: MergeAnswer = { uri: table.uri, version, merges: done.flatMap(factsOf), left_alone };
  if (json) printJson(io.stdout, answer);
  else {
    printDone(io.stdout, printable(table.uri), version, done);
    printLeftAlone();
    if (to !== undefined) printLeft(io.stdout, planMerges(await table.latest(), policy, rule), to);
  }
}

/** Only neighbours are merged: what no segment covers keeps those beside it apart. */
function printLeft(out: Output, { left }: MergePlan, to: number): void {
  for (const { index, segments } of left.filter((it) => it.segments > to)) {
    printLine(
      out,
      `${printable(index)} keeps ${segments} segments, not ${to}: fragments between them are not indexed; index them first`,
    );
  }
}

async function mergeAll(
  table: LanceTable,
  policy: TablePolicy,
  rule: MergeRule,
  { scratchDir, memory }: Pick<MergeOptions, 'scratchDir' | 'memory'>,
): Promise<Done[]> {
  const { lanceSegmentBuilder } = await import('../../lance/engine/segment-builder.ts');
  const scratch = await openScratch(scratchDir);
  const done: Done[] = [];
  try {
    const parts = {
      builder: lanceSegmentBuilder(scratch.dir, { memoryBytes: memory, memoryDir: scratch.memoryDir }),
      commit: COMMIT,
      properties: { 'segmentd.version': VERSION, 'segmentd.command': 'merge' },
      withSlot: <T>(land: () => Promise<T>) => land(),
    };
    const rounds = new FruitlessRounds();
    for (;;) {
      const manifest = await table.latest();
      const plan = planMerges(manifest, policy, rule);
      if (plan.merges.length === 0) return done;
      const merged = await rounds.run(() => mergeTable(table, manifest, plan, parts));
      if (merged) done.push({ version: merged.version, merges: plan.merges, merged });
    }
  } finally {
    await scratch.remove();
  }
}

function factsOf({ version, merges, merged }: Done) {
  return merged.segments.map(({ segment, fragments }) => {
    const planned = merges.find(({ index }) => index === segment.index);
    return {
      index: segment.index,
      column: segment.column,
      reason: planned?.reason,
      replaced: planned?.inputs ?? [],
      segment_uuid: segment.uuid,
      fragments: fragments.length,
      rows: segment.rows,
      bytes_in: planned?.bytes ?? 0,
      bytes_out: segment.files.reduce((sum, file) => sum + file.bytes, 0),
      build_ms: Math.round(segment.buildMs),
      version,
    };
  });
}

function printPlan(out: Output, uri: string, { ahead, pending, states }: MergePlan): void {
  const segments = states.map(({ name, segments }) => `${printable(name)} ${segments.length}`).join(', ');
  printLine(out, `${uri}  segments: ${segments || 'none'}`);
  if (ahead.length === 0) {
    printLine(out, 'nothing to merge');
    return;
  }
  printLine(out, `${counted(pending, 'merge')} ${pending === 1 ? 'is' : 'are'} due:`);
  const rows = ahead.map((it) => [it.index, it.column, it.reason, it.inputs.length, it.rows, formatBytes(it.bytes)]);
  printLine(out, formatTable(['index', 'column', 'reason', 'segments', 'rows', 'size'], rows));
}

function printDone(out: Output, uri: string, version: number, done: readonly Done[]): void {
  const facts = done.flatMap(factsOf);
  if (facts.length === 0) {
    printLine(out, `${uri} has nothing to merge at version ${version}`);
    return;
  }
  printLine(out, `${uri} is merged at version ${version}`);
  const rows = facts.map((it) => [
    ...[it.index, it.replaced.length, it.segment_uuid, it.fragments, it.rows],
    ...[formatBytes(it.bytes_out), it.build_ms],
  ]);
  printLine(out, formatTable(['index', 'replaced', 'by segment', 'fragments', 'rows', 'size', 'build ms'], rows));
}
