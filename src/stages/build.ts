/** One segment per index, over exactly the missing fragments. */
import type { OperatorFunction } from 'rxjs';
import { concatMap } from 'rxjs';
import { buildUnlessStale } from '../lance/engine/build-unless-stale.ts';
import type { Build } from '../lance/segment.ts';
import { asSegmentdError } from '../lib/errors.ts';
import { stopwatch } from '../lib/stopwatch.ts';
import type { PipelineContext } from './context.ts';
import { requeue } from './retry.ts';
import type { Built, Planned } from './work.ts';

export function build(context: PipelineContext): OperatorFunction<Planned, Built> {
  return concatMap(async (planned) => (planned.kind === 'missing' ? buildSegments(context, planned) : planned));
}

async function buildSegments(context: PipelineContext, planned: Extract<Planned, { kind: 'missing' }>): Promise<Built> {
  const { batch, manifest, requests } = planned;
  const table = batch.table.id;
  for (const { index, fragments, rows } of requests) {
    context.telemetry.buildStarted({ table, index, fragments: fragments.length, rows });
  }
  const lap = stopwatch();
  const unfinished = (outcome: 'stale' | 'failed') => {
    const seconds = lap() / 1000;
    for (const { index } of requests) {
      context.telemetry.buildFinished({ table, index, outcome, seconds, rows: 0, bytes: 0 });
    }
  };
  let built: Build | null;
  try {
    built = await buildUnlessStale(context.builder, context.tables.open(batch.table.uri), manifest, requests);
  } catch (error) {
    unfinished('failed');
    throw asSegmentdError(error);
  }
  if (!built) {
    unfinished('stale');
    return requeue(context, batch, 'files_gone');
  }
  if (context.states.served(table)) context.telemetry.tableServed({ table });
  for (const { index, rows, files, buildMs } of built.segments) {
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    context.telemetry.buildFinished({ table, index, outcome: 'ok', seconds: buildMs / 1000, rows, bytes });
  }
  return { ...planned, kind: 'built', build: built };
}
