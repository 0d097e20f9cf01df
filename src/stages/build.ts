/** One segment per index, over exactly the missing fragments. */
import type { OperatorFunction } from 'rxjs';
import { concatMap } from 'rxjs';
import { buildUnlessStale } from '../lance/engine/build-unless-stale.ts';
import { asSegmentdError } from '../lib/errors.ts';
import type { PipelineContext } from './context.ts';
import { requeue } from './replan.ts';
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
  const start = performance.now();
  const report = (outcome: 'stale' | 'failed') => {
    const seconds = (performance.now() - start) / 1000;
    for (const { index } of requests) {
      context.telemetry.buildFinished({ table, index, outcome, seconds, rows: 0, bytes: 0 });
    }
  };
  try {
    const built = await buildUnlessStale(context.builder, context.tables.open(batch.table.uri), manifest, requests);
    if (!built) {
      report('stale');
      return requeue(context, batch, 'files_gone');
    }
    context.telemetry.tableServed({ table });
    for (const { index, rows, files, buildMs } of built.segments) {
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      context.telemetry.buildFinished({ table, index, outcome: 'ok', seconds: buildMs / 1000, rows, bytes });
    }
    return { ...planned, kind: 'built', build: built };
  } catch (thrown) {
    const error = asSegmentdError(thrown);
    report('failed');
    // The table as it stands cannot be built over; its other events would only fail the same way.
    if (error.code === 'table_data_file_missing') return { kind: 'declined', batch, error };
    throw error;
  }
}
