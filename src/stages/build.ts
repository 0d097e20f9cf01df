/** One segment per index, over exactly the missing fragments. */
import type { OperatorFunction } from 'rxjs';
import { concatMap } from 'rxjs';
import { asSegmentdError } from '../lib/errors.ts';
import type { Kit } from './context.ts';
import { planAgain } from './replan.ts';
import type { Built, Planned } from './work.ts';

export function build(kit: Kit): OperatorFunction<Planned, Built> {
  return concatMap(async (planned) => (planned.kind === 'missing' ? buildSegments(kit, planned) : planned));
}

async function buildSegments(kit: Kit, planned: Extract<Planned, { kind: 'missing' }>): Promise<Built> {
  const { batch, manifest, requests } = planned;
  const table = batch.table.id;
  for (const { index, fragments, rows } of requests) {
    kit.telemetry.buildStarted({ table, index, fragments: fragments.length, rows });
  }
  const start = performance.now();
  try {
    const built = await kit.builder.build(manifest, batch.table.uri, requests);
    for (const { index, rows, files, buildMs } of built.segments) {
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      kit.telemetry.buildFinished({ table, index, outcome: 'ok', seconds: buildMs / 1000, rows, bytes });
    }
    return { ...planned, kind: 'built', build: built };
  } catch (thrown) {
    const error = asSegmentdError(thrown);
    const outcome = error.code === 'build_stale' ? 'stale' : 'failed';
    const seconds = (performance.now() - start) / 1000;
    for (const { index } of requests) {
      kit.telemetry.buildFinished({ table, index, outcome, seconds, rows: 0, bytes: 0 });
    }
    if (outcome === 'stale') return planAgain(kit, batch, 'files_gone');
    throw error;
  }
}
