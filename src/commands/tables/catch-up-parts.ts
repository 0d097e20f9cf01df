/** Catches a table up in parts that are built side by side. */

import { cutBackfill, missingOfAny } from '../../lance/plan/backfill-plan.ts';
import { planTable } from '../../lance/plan/table-plan.ts';
import type { SegmentBuilder } from '../../lance/segment.ts';
import type { LanceTable } from '../../lance/table/table.ts';
import { asyncLimit } from '../../lib/async-limit.ts';
import { settleAll } from '../../lib/settle-all.ts';
import type { CatchUp, CatchUpSettings } from './catch-up.ts';
import { catchUp } from './catch-up.ts';

type PartsSettings = Omit<CatchUpSettings, 'scope' | 'onRows'> & {
  readonly rowsPerSegment: number;
  /** Parts that are built at once. */
  readonly concurrency: number;
  /** Called at the start and after each commit: rows covered so far and rows to cover, each index counted for itself. */
  readonly onProgress?: (done: number, total: number) => void;
};

/** Errors: as catchUp. What other parts have committed by then stays. */
export async function catchUpInParts(
  table: LanceTable,
  builder: SegmentBuilder,
  { rowsPerSegment, concurrency, onProgress, ...settings }: PartsSettings,
): Promise<CatchUp> {
  const manifest = await table.latest();
  const { wanted, stableRowIds = 'decline', minRows, limits } = settings;
  const { states, remove, requests, unreadable } = planTable(manifest, { wanted, stableRowIds, minRows }, limits);
  // An index that is replaced whole has no parts.
  const isWhole = remove.length > 0;
  const total = isWhole
    ? requests.reduce((sum, { rows }) => sum + rows, 0)
    : states.reduce((sum, { coverage }) => sum + coverage.missingRows, 0);
  let done = 0;
  const onRows = (rows: number) => {
    done += rows;
    // What was appended meanwhile is covered too.
    if (total > 0) onProgress?.(Math.min(done, total), total);
  };
  onRows(0);
  const cut = { rowsPerPart: rowsPerSegment, maxFragments: limits.maxFragments };
  const parts = isWhole
    ? []
    : cutBackfill(
        manifest,
        missingOfAny(states, (id) => unreadable.has(id)),
        cut,
      );
  const slots = asyncLimit(concurrency);
  const partLimits = { ...limits, maxRows: rowsPerSegment };
  const work = parts.map(({ fragments }) =>
    slots.run(() =>
      catchUp(table, builder, { ...settings, limits: partLimits, scope: { parts: [fragments] }, onRows }),
    ),
  );
  // One that fails does not end the others: each part stands alone.
  const built = await settleAll(work);
  return inAll([...built, await catchUp(table, builder, { ...settings, onRows })]);
}

function inAll(all: readonly CatchUp[]): CatchUp {
  const sum = (of: (it: CatchUp) => number) => all.reduce((so, it) => so + of(it), 0);
  return {
    version: Math.max(...all.map(({ version }) => version)),
    planMs: sum(({ planMs }) => planMs),
    uploadMs: sum(({ uploadMs }) => uploadMs),
    commitMs: sum(({ commitMs }) => commitMs),
    attempts: sum(({ attempts }) => attempts),
    segments: all.flatMap(({ segments }) => segments),
  };
}
