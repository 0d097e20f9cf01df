/** Brings the indexes of a table up to date, without Kafka. */
import { heldFor } from '../../lance/plan/coverage.ts';
import type { IndexState, LeftIndex } from '../../lance/plan/index-plan.ts';
import { surveyIndexes } from '../../lance/plan/index-plan.ts';
import type { StableRowIds } from '../../lance/plan/row-ids.ts';
import type { KindName } from '../../lib/index-kinds.ts';
import { openScratch } from '../../lib/scratch.ts';
import { VERSION } from '../../lib/version.ts';
import type { Invocation, Output } from '../terminal/io.ts';
import { counted, formatTable, printable, printJson, printLine, printLines } from '../terminal/output.ts';
import { openProgress } from '../terminal/progress.ts';
import type { CatchUp } from './catch-up.ts';
import { catchUpInParts } from './catch-up-parts.ts';
import { givenParameters } from './given-parameters.ts';
import type { IndexAnswer } from './json-answers.ts';
import { formatLeft, leftFacts, leftToSay } from './left-alone.ts';
import type { PlaceOptions } from './places.ts';
import { openTable } from './places.ts';
import { COMMIT, LIMITS } from './work-settings.ts';

export type IndexOptions = PlaceOptions & {
  column?: string[];
  name?: string;
  kind?: KindName;
  set?: readonly string[];
  minRows?: number;
  rowsPerSegment: number;
  concurrency: number;
  memory?: number;
  stableRowIds: StableRowIds;
  json?: boolean;
  scratchDir: string;
  /** `stableRowIds` was given, and is not the default. */
  isStableSaid: boolean;
};

/** Errors: usage; those of openTable and catchUp. */
export async function indexTable(io: Invocation, uri: string, options: IndexOptions): Promise<void> {
  const { column: columns, name, kind } = options;
  const parameters = kind && givenParameters(kind, options.set ?? []);
  const { table, policy } = await openTable(io, uri, options);
  // A table that is not there should leave no scratch folder behind, and say so before anything is made.
  await table.latest();
  const { lanceSegmentBuilder } = await import('../../lance/engine/segment-builder.ts');
  const scratch = await openScratch(options.scratchDir);
  const progress = openProgress(io.stderr);
  try {
    const wanted = columns?.map((column) => ({ column, name, kind, parameters })) ?? policy?.wanted ?? 'existing';
    const minRows = options.minRows ?? policy?.minRows;
    const done = await catchUpInParts(
      table,
      lanceSegmentBuilder(scratch.dir, { memoryBytes: options.memory, memoryDir: scratch.memoryDir }),
      {
        wanted,
        minRows,
        rowsPerSegment: options.rowsPerSegment,
        concurrency: options.concurrency,
        onProgress: (rows, total) => progress.update(rows, total),
        stableRowIds: options.isStableSaid ? options.stableRowIds : (policy?.stableRowIds ?? options.stableRowIds),
        limits: LIMITS,
        commit: COMMIT,
        properties: { 'segmentd.version': VERSION, 'segmentd.command': 'index' },
      },
    );
    // Before the result: the bar has no line end of its own.
    progress.end();
    const survey = surveyIndexes(await table.latest(), wanted, minRows);
    const kept = survey.served;
    const answer: IndexAnswer = { ...factsOf(table.uri, done, kept), left_alone: leftFacts(survey.left) };
    if (options.json) printJson(io.stdout, answer);
    else printDone(io.stdout, printable(table.uri), done, kept, leftToSay(survey, wanted));
  } finally {
    progress.end();
    await scratch.remove();
  }
}

const round = (ms: number) => Math.round(ms * 100) / 100;

function factsOf(
  uri: string,
  { version, planMs, uploadMs, commitMs, attempts, segments }: CatchUp,
  kept: readonly IndexState[],
) {
  return {
    uri,
    version,
    plan_ms: round(planMs),
    publish_ms: round(uploadMs),
    commit_ms: round(commitMs),
    attempts,
    indexes: segments.map(({ index, column, uuid, fragments, rows, buildMs }) => ({
      name: index,
      column,
      segment_uuid: uuid,
      fragments: fragments.length,
      rows,
      build_ms: round(buildMs),
    })),
    // Over no rows there is no segment, and without a segment no index.
    not_made: kept.flatMap(({ segments: own, column }) => (own.length === 0 ? column : [])),
  };
}

function printDone(
  out: Output,
  uri: string,
  done: CatchUp,
  kept: readonly IndexState[],
  left: readonly LeftIndex[],
): void {
  const { version, indexes, publish_ms: uploadMs, commit_ms: commitMs, not_made: notMade } = factsOf(uri, done, kept);
  if (indexes.length === 0) {
    printLines(out, [nothingDone(uri, version, kept, notMade), ...formatLeft(left)]);
    return;
  }
  printLine(
    out,
    `${uri} is up to date with version ${version}; uploaded in ${uploadMs} ms, committed in ${commitMs} ms`,
  );
  const rows = indexes.map((it) => [it.name, it.column, it.segment_uuid, it.fragments, it.rows, it.build_ms]);
  printLine(out, formatTable(['index', 'column', 'segment', 'fragments', 'rows', 'build ms'], rows));
  printLines(out, formatLeft(left));
}

function nothingDone(uri: string, version: number, kept: readonly IndexState[], notMade: readonly string[]): string {
  if (kept.length === 0) return `${uri} has no index that segmentd maintains at version ${version}; --column makes one`;
  const held = kept.filter(({ coverage }) => coverage.held.length > 0);
  if (held.length > 0) {
    return `${uri} is up to date at version ${version}: ${held.map(heldRows).join(', ')}; queries search them without the index`;
  }
  if (notMade.length === 0) return `${uri} is up to date at version ${version}`;
  return `${uri} has no rows at version ${version}: no index was made on ${notMade.map(printable).join(', ')}. Run this again after the first append`;
}

function heldRows(state: IndexState): string {
  const { name, coverage, floor } = state;
  if (heldFor(state) === 'values')
    return `${counted(coverage.heldRows, 'row')} ${coverage.heldRows === 1 ? 'has' : 'have'} nothing to index in ${printable(name)}`;
  return `${printable(name)} waits with ${counted(coverage.heldRows, 'row')} for ${floor}`;
}
