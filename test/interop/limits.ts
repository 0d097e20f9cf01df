/** Tables that segmentd must not write, and what Lance itself cannot do. */
import { expect, test } from 'vitest';
import type { ErrorCode } from '../../src/lib/errors.ts';
import type { PylanceVersion } from '../../testing/pylance.ts';
import { findPylance, PYLANCE_VERSIONS } from '../../testing/pylance.ts';
import { wrongAnswers } from './report.ts';
import type { Maker } from './table-under-test.ts';
import type { NewTable } from './tables.ts';
import { CANNOT_JOIN, named, PLAIN, REWRITE } from './tables.ts';
import type { Args } from './worker.ts';
import { startWorker } from './worker.ts';

type Refused = {
  readonly what: string;
  readonly code: ErrorCode;
  readonly make: Record<string, unknown>;
  readonly indexer?: Maker;
  readonly afterwards?: readonly [action: string, args: Args];
};

const REFUSED: readonly Refused[] = [
  {
    what: 'stable row ids',
    code: 'table_stable_row_ids',
    make: { data_format: '2.1', stable_row_ids: true },
    // Its Lance 12 records row ids.
    indexer: 'LanceDB',
  },
  { what: 'data files of format 0.1', code: 'table_legacy_data_files', make: { data_format: 'legacy' } },
  {
    what: 'a fragment reuse index',
    code: 'table_fragment_reuse_index',
    make: { data_format: '2.1' },
    afterwards: ['compact_files', { defer_index_remap: true }],
  },
];

export function refusals(newTable: NewTable): void {
  test.each(REFUSED)('keeps every byte when it has $what', async ({ code, make, indexer = 'pylance', afterwards }) => {
    const table = await newTable();
    if (!table) return;
    await table.ask('create', { start: 0, count: 500, v2_names: true, ...make });
    await table.append('pylance', 500, 100);
    await table.createIndexes(indexer, ['id', 's']);
    if (afterwards) await table.ask(...afterwards);
    await table.append('pylance', 600, 100);
    const before = await table.files();
    for (const wanted of ['existing', named(['id', 'n'])] as const) {
      await expect(table.catchUp(wanted)).rejects.toMatchObject({ name: 'SegmentdError', code });
    }
    expect(await table.files()).toEqual(before);
    // How legacy files are scanned is printed in another way, so the plans say nothing here; the answers do.
    const { queries } = await table.check(['id', 's']);
    expect(queries.filter(({ same }) => !same)).toEqual([]);
  });
}

/** Limits of Lance that segmentd has to live with, shown on tables that segmentd never touched. */
export function lanceItself(version: PylanceVersion, newTable: NewTable): void {
  if (version === PYLANCE_VERSIONS.oldest) {
    test('cannot optimize a BTREE of several segments, and leaves it as it was', async () => {
      const table = await newTable();
      const pylance = await findPylance(PYLANCE_VERSIONS.middle);
      if (!table || !pylance) return;
      const other = startWorker(pylance);
      try {
        const elsewhere = table.workedOnBy(other);
        await elsewhere.create(PLAIN, 0, 500);
        await elsewhere.createIndexes('pylance', ['id']);
        await elsewhere.append('pylance', 500, 100);
        await elsewhere.ask('optimize_indices', { num_indices_to_merge: 0 });
        await elsewhere.append('pylance', 600, 100);
      } finally {
        await other.stop();
      }
      const before = await table.check(['id']);
      expect(before.indexes[0]?.segments.map(({ fragments }) => fragments)).toEqual([[0], [1]]);
      await expect(table.ask('optimize_indices')).rejects.toThrow(CANNOT_JOIN);
      expect(await table.check(['id'])).toEqual(before);
    });
    return;
  }
  test('answers wrongly once a new segment covers what left an older one', async () => {
    const table = await newTable();
    if (!table) return;
    await table.create(PLAIN, 0, 5000);
    await table.append('pylance', 5000, 400);
    await table.createIndexes('pylance', ['n']);
    await table.ask(...REWRITE);
    expect(wrongAnswers(await table.check(['n']))).toEqual([]);
    await table.ask('optimize_indices', { num_indices_to_merge: 0 });
    const report = await table.check(['n']);
    expect(report.indexes[0]?.segments.map(({ fragments }) => fragments)).toEqual([[1], [0]]);
    expect(wrongAnswers(report)).toContain('n IS NULL: 416 rows by index, 31 by scan, or others');
  });
}
