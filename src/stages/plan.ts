/** What the maintained indexes of the table miss, read from its latest manifest: the table is the truth, the event a hint. */
import type { OperatorFunction } from 'rxjs';
import { concatMap } from 'rxjs';
import { coverageRatio } from '../lance/coverage.ts';
import { declineTable } from '../lance/guards.ts';
import type { IndexState } from '../lance/plan.ts';
import { maintainedIndexes, nextSegments } from '../lance/plan.ts';
import { asSegmentdError, SegmentdError } from '../lib/errors.ts';
import type { IndexState as IndexReport } from '../telemetry/table-events.ts';
import type { Kit } from './kit.ts';
import type { Batch, Planned } from './work.ts';

export function plan(kit: Kit): OperatorFunction<Batch, Planned> {
  return concatMap((batch) => planBatch(kit, batch));
}

async function planBatch(kit: Kit, batch: Batch): Promise<Planned> {
  const manifest = await kit.tables.open(batch.table.uri).latest();
  const declined = declineTable(manifest);
  if (declined) return { kind: 'declined', batch, error: new SegmentdError(declined.code, declined.message) };
  let states: IndexState[];
  try {
    states = maintainedIndexes(manifest, kit.tables.wanted(batch.table.id));
  } catch (thrown) {
    return { kind: 'declined', batch, error: asSegmentdError(thrown) };
  }
  kit.telemetry.tableServed({ table: batch.table.id });
  const requests = nextSegments(manifest, states, kit.settings.limits);
  kit.telemetry.planned({
    table: batch.table.id,
    version: manifest.version,
    outcome: requests.length > 0 ? 'missing' : 'covered',
    indexes: reportOf(states, manifest.timestampMs),
  });
  if (requests.length === 0) {
    const { version } = manifest;
    return {
      kind: 'covered',
      batch,
      fresh: batch.progressed,
      coveredVersion: version,
      tableVersion: version,
      indexes: reportOf(states, 0),
    };
  }
  const whole = states.every(
    ({ name, coverage }) =>
      coverage.missing.length === (requests.find(({ index }) => index === name)?.fragments.length ?? 0),
  );
  return { kind: 'missing', batch, manifest, states, requests, whole };
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
