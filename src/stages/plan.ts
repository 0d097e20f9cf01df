/** What the maintained indexes of the table miss, read from its latest manifest: the table is the truth, the event a hint. */
import type { OperatorFunction } from 'rxjs';
import { concatMap } from 'rxjs';
import type { Manifest } from '../lance/codec/manifest.ts';
import { coverageRatio } from '../lance/coverage.ts';
import type { IndexState } from '../lance/index-plan.ts';
import type { TablePlan } from '../lance/table-plan.ts';
import { planTable } from '../lance/table-plan.ts';
import { SegmentdError } from '../lib/errors.ts';
import type { IndexState as IndexReport } from '../telemetry/table-events.ts';
import type { Kit } from './kit.ts';
import type { Batch, Planned } from './work.ts';

export function plan(kit: Kit): OperatorFunction<Batch, Planned> {
  return concatMap((batch) => planBatch(kit, batch));
}

async function planBatch(kit: Kit, batch: Batch): Promise<Planned> {
  const table = batch.table.id;
  let manifest: Manifest;
  let planned: TablePlan;
  try {
    manifest = await kit.tables.open(batch.table.uri).latest();
    planned = planTable(manifest, kit.tables.policy(table), kit.settings.limits);
  } catch (error) {
    // Gone since the last look: the next round waits for it as for a version that is not there yet.
    if (error instanceof SegmentdError && error.code === 'table_not_found') return { kind: 'again', batch };
    if (error instanceof SegmentdError && error.retry === 'never') return { kind: 'declined', batch, error };
    throw error;
  }
  const { version } = manifest;
  kit.telemetry.tableServed({ table });
  const indexes = reportOf(planned.states, manifest.timestampMs);
  const missing = planned.requests.length > 0;
  kit.telemetry.planned({ table, version, outcome: missing ? 'missing' : 'covered', indexes });
  if (missing) return { kind: 'missing', batch, manifest, ...planned };
  return { kind: 'covered', batch, fresh: batch.progressed, coveredVersion: version, tableVersion: version, indexes };
}

/** The states as telemetry tells them. The gap is at least as old as the version that shows it. */
function reportOf(states: readonly IndexState[], versionMs: number): IndexReport[] {
  return states.map(({ name, segments, coverage }) => ({
    name,
    missingRows: coverage.missingRows,
    missingFragments: coverage.missing.length,
    coverage: coverageRatio(coverage),
    segments: segments.length,
    lagSeconds: coverage.missing.length > 0 ? Math.max(0, (Date.now() - versionMs) / 1000) : 0,
  }));
}
