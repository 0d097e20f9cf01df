/** An index of each kind in an object store, with LanceDB's own engine: announced, committed, merged and verified. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyTable } from '../../../src/lance/inspect/verify-table.ts';
import { maintainedIndexes } from '../../../src/lance/plan/index-plan.ts';
import { DEFAULT_POLICY } from '../../../src/lance/plan/row-ids.ts';
import type { Notification } from '../../../src/model.ts';
import { answerOf, KIND_COLUMNS, kindRows, MIN_ROWS } from '../../../testing/kind-rows.ts';
import type { S3Server } from '../../../testing/stores/s3-access.ts';
import { startS3Server } from '../../../testing/stores/s3-server.ts';
import { runEvent, s3Table } from './s3-table.ts';

const NAMES = KIND_COLUMNS.map(({ column }) => `${column}_idx`);
const FIRST_ROWS = 200;
const BATCH_ROWS = 50;
/** Three segments of a batch make a merge due. */
const SETTINGS = { floorRows: 10, factor: 3, maxFactor: 64, maxSegmentRows: 200_000_000, maxSegments: 10 };

let server: S3Server;
beforeAll(async () => {
  server = await startS3Server();
  await server.makeBucket('lake');
});
afterAll(() => server?.stop());

test('each kind is kept fresh, merged and verified', async () => {
  const it = await s3Table(server, KIND_COLUMNS, kindRows(0, FIRST_ROWS));
  const notices: Notification[] = [];
  const policy = { ...DEFAULT_POLICY, minRows: MIN_ROWS };
  const context = await it.context({ notify: (notice) => notices.push(notice) }, { policy });
  let from = FIRST_ROWS;
  for (; from < FIRST_ROWS + 4 * BATCH_ROWS; from += BATCH_ROWS) {
    await it.table.add(kindRows(from, BATCH_ROWS));
    await runEvent(
      context,
      { table: it.ref, version: await it.table.version() },
      { settings: SETTINGS, concurrency: 1 },
    );
  }
  const told = (type: Notification['type']) => notices.filter((notice) => notice.type === type);
  expect(told('segment.committed')).toMatchObject(Array(4).fill({ segments: NAMES.map((index) => ({ index })) }));
  expect(told('segment.merged')).toMatchObject([{ segments: NAMES.map((index) => ({ index })) }]);

  const seen = it.seen();
  for (const { name, coverage, segments } of maintainedIndexes(await seen.latest(), 'existing', MIN_ROWS)) {
    expect([name, [...coverage.missing], segments.length]).toEqual([name, [], 3]);
  }
  expect((await verifyTable(seen, 5)).findings).toEqual([]);
  await it.table.checkoutLatest();
  for (const column of KIND_COLUMNS) {
    for (const id of [7, from - 1]) {
      const { asked, indexed, scanned, usesIndex } = await answerOf(it.table, column, id);
      expect([asked, usesIndex, indexed]).toEqual([asked, true, scanned]);
    }
  }
});
