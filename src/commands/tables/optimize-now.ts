/** Compacts a table once, and cleans up. */
import { findOrphans, removeOrphans } from '../../lance/commit/orphans.ts';
import { findFreeable } from '../../lance/inspect/freeable.ts';
import { DEFAULT_POLICY } from '../../lance/plan/row-ids.ts';
import type { LanceTable } from '../../lance/table/table.ts';
import { readTableCost } from '../../lance/table/table-cost.ts';
import { byteSize } from '../../lib/byte-size.ts';
import { durationMs } from '../../lib/duration.ts';
import { openScratch } from '../../lib/scratch.ts';
import { VERSION } from '../../lib/version.ts';
import { compactable } from '../../maintain/compactable.ts';
import type { Maintained } from '../../maintain/maintain-table.ts';
import { defaultMerge } from '../../merge/policy/tiered.ts';
import type { Invocation, Output } from '../terminal/io.ts';
import { counted, formatBytes, printable, printJson, printLine } from '../terminal/output.ts';
import { thousands } from '../terminal/thousands.ts';
import { catchUp } from './catch-up.ts';
import type { OptimizeAnswer, OptimizeForecast } from './json-answers.ts';
import type { OpenedTable, PlaceOptions } from './places.ts';
import { openTable } from './places.ts';
import { costReport, formatCost } from './table-cost-report.ts';
import { COMMIT, LIMITS } from './work-settings.ts';

export type OptimizeOptions = PlaceOptions & {
  dryRun?: boolean;
  keepVersionsFor?: number;
  maxMemory?: number;
  memory?: number;
  json?: boolean;
  scratchDir: string;
};

const KEEP = '7d';
const MAX_MEMORY = '2GiB';

export async function optimize(io: Invocation, uri: string, options: OptimizeOptions): Promise<void> {
  const opened = await openTable(io, uri, options);
  const { table, maintain } = opened;
  const keepVersionsMs = options.keepVersionsFor ?? (durationMs(maintain?.keep_versions_for ?? KEEP) as number);
  const maxMemoryBytes = options.maxMemory ?? (byteSize(maintain?.max_memory ?? MAX_MEMORY) as number);
  if (options.dryRun) {
    const forecast = await forecastOf(table, keepVersionsMs);
    if (options.json) printJson(io.stdout, forecast);
    else printForecast(io.stdout, forecast);
    return;
  }
  const before = await costOf(table);
  const { orphans, ...maintained } = await run(opened, { keepVersionsMs, maxMemoryBytes }, options);
  const done = { ...factsOf(maintained), orphans, before, after: await costOf(table) };
  if (options.json) printJson(io.stdout, { uri: table.uri, ...done } satisfies OptimizeAnswer);
  else printDone(io.stdout, table.uri, done);
}

const costOf = async (table: LanceTable) =>
  costReport(await readTableCost(table, await table.latest({ listed: true })));

async function forecastOf(table: LanceTable, keepVersionsMs: number): Promise<OptimizeForecast> {
  const { version, fragments } = await table.latest();
  const { taken, left } = compactable(fragments);
  const { segments, staged, bytes } = await findOrphans(table, Date.now());
  const { versions, manifestBytes, indexBytes, dataBytes } = await findFreeable(table, Date.now() - keepVersionsMs);
  return {
    uri: table.uri,
    version,
    compaction: { fragments_removed: taken, fragments_added: left },
    frees: { versions, manifest_bytes: manifestBytes, index_bytes: indexBytes, data_bytes: dataBytes },
    orphans: { segments: segments.length, staged: staged.length, bytes },
    cost: await costOf(table),
  };
}

type Limits = { readonly keepVersionsMs: number; readonly maxMemoryBytes: number };

/** Indexes what is missing, so that LanceDB does not do it in its own way, before and after. */
async function run({ table, policy = DEFAULT_POLICY }: OpenedTable, settings: Limits, options: OptimizeOptions) {
  // A table that is not there should leave no scratch folder behind.
  await table.latest();
  const { lanceSegmentBuilder } = await import('../../lance/engine/segment-builder.ts');
  const { maintainTable } = await import('../../maintain/maintain-table.ts');
  const scratch = await openScratch(options.scratchDir);
  try {
    const builder = lanceSegmentBuilder(scratch.dir, { memoryBytes: options.memory, memoryDir: scratch.memoryDir });
    const properties = { 'segmentd.version': VERSION, 'segmentd.command': 'optimize' };
    const cover = () => catchUp(table, builder, { ...policy, limits: LIMITS, commit: COMMIT, properties });
    await cover();
    const orphans = await findOrphans(table, Date.now());
    await removeOrphans(table, orphans);
    const withSlot = <T>(land: () => Promise<T>) => land();
    const maintained = await maintainTable(table, {
      settings,
      policy,
      maxSegmentRows: defaultMerge(table.store.remote).maxSegmentRows,
      merge: { builder, commit: COMMIT, properties, withSlot },
    });
    const { version } = await cover();
    const { segments, staged, bytes } = orphans;
    return { ...maintained, version, orphans: { segments: segments.length, staged: staged.length, bytes } };
  } finally {
    await scratch.remove();
  }
}

function factsOf(maintained: Maintained) {
  return {
    version: maintained.version,
    segments_merged: maintained.segmentsMerged,
    compaction: { fragments_removed: maintained.fragmentsRemoved, fragments_added: maintained.fragmentsAdded },
    answers_compared: maintained.answers,
    freed: { versions: maintained.versionsRemoved, bytes: maintained.bytesFreed },
    peak_memory_bytes: maintained.peakBytes,
  };
}

type Done = Omit<OptimizeAnswer, 'uri'>;

const number = (value: number) => thousands(value);

function printForecast(out: Output, { uri, version, compaction, frees, orphans, cost }: OptimizeForecast): void {
  printLine(out, `${printable(uri)}  version ${number(version)}`);
  printLine(out, formatCost(cost));
  printLine(
    out,
    compaction.fragments_removed === 0
      ? 'nothing to compact'
      : `would make about ${number(compaction.fragments_added)} of ${counted(compaction.fragments_removed, 'fragment')}, whose files go once the versions that use them do`,
  );
  printLine(
    out,
    frees.versions === 0
      ? 'no version is old enough to go'
      : `would free ${counted(frees.versions, 'version')}: manifests ${formatBytes(frees.manifest_bytes)}, indexes ${formatBytes(frees.index_bytes)}, data ${formatBytes(frees.data_bytes)}`,
  );
  if (orphans.segments + orphans.staged > 0) printLine(out, `would take away ${orphansText(orphans)}`);
}

const orphansText = ({ segments, staged, bytes }: Done['orphans']) =>
  `${counted(segments, 'segment')} and ${counted(staged, 'staged manifest')} of processes that were killed: ${formatBytes(bytes)}`;

function printDone(out: Output, uri: string, done: Done): void {
  const { version, segments_merged: merged, compaction, answers_compared: answers, freed, orphans, after } = done;
  printLine(out, `${printable(uri)} is optimized at version ${number(version)}`);
  if (merged > 0) printLine(out, `merged ${counted(merged, 'segment')} that kept fragments apart`);
  printLine(
    out,
    `made ${number(compaction.fragments_added)} of ${counted(compaction.fragments_removed, 'fragment')}; ${counted(answers, 'answer')} compared with a scan`,
  );
  printLine(out, `freed ${counted(freed.versions, 'version')}, ${formatBytes(freed.bytes)}`);
  if (orphans.segments + orphans.staged > 0) printLine(out, `took away ${orphansText(orphans)}`);
  printLine(out, formatCost(after));
}
