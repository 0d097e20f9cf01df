/** A merge that lands with a batch, on a real S3 server with LanceDB's own engine. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Manifest } from '../../../src/lance/codec/manifest.ts';
import { coverageOf } from '../../../src/lance/plan/coverage.ts';
import type { Notification } from '../../../src/model.ts';
import { nameOf } from '../../../testing/people.ts';
import type { S3Server } from '../../../testing/stores/s3-access.ts';
import { startS3Server } from '../../../testing/stores/s3-server.ts';
import { ROWS, runEvent, s3Table } from './s3-table.ts';

const COLUMNS = ['id', 'name'];
const BATCH_ROWS = 100;
/** Three segments of a batch make a merge due. */
const SETTINGS = { floorRows: 10, factor: 3, maxFactor: 64, maxSegmentRows: 200_000_000, maxSegments: 10 };
const MERGES = { settings: SETTINGS, concurrency: 1 };

let server: S3Server;
beforeAll(async () => {
  server = await startS3Server();
  await server.makeBucket('lake');
});
afterAll(() => server?.stop());

const fragmentsOf = ({ indexes }: Manifest, name: string) =>
  indexes.filter((index) => index.name === name).map(({ fragments }) => [...(fragments ?? [])]);

test('the fourth batch lands with the merge of three, and all rows are found', async () => {
  const it = await s3Table(server, COLUMNS);
  const notices: Notification[] = [];
  const context = await it.context({ notify: (notice) => notices.push(notice) });
  const append = async (batch: number) => {
    const version = await it.append(ROWS + batch * BATCH_ROWS, BATCH_ROWS);
    await runEvent(context, { table: it.ref, version }, MERGES);
    return version;
  };
  for (let batch = 0; batch < 3; batch++) await append(batch);
  expect(notices.map(({ type }) => type)).toEqual(Array(3).fill('segment.committed'));
  const before = await append(3);

  const latest = await it.seen().latest();
  expect([latest.version, latest.transaction?.properties.get('segmentd.merged')]).toEqual([before + 1, '6']);
  for (const name of ['id_idx', 'name_idx']) {
    expect(
      fragmentsOf(latest, name)
        .map((ids) => ids.length)
        .sort(),
    ).toEqual([1, 1, 3]);
    const segments = latest.indexes.filter((index) => index.name === name);
    expect(Array.from(coverageOf(latest.fragments, segments).missing)).toEqual([]);
  }
  const { version } = latest;
  expect(notices.slice(3)).toMatchObject([
    { type: 'segment.merged', version, segments: COLUMNS.map((column) => ({ index: `${column}_idx` })) },
    { type: 'segment.committed', version, segments: COLUMNS.map((column) => ({ index: `${column}_idx` })) },
  ]);

  await it.table.checkoutLatest();
  for (let id = ROWS - 1; id < ROWS + 4 * BATCH_ROWS; id += 37) {
    for (const filter of [`id = ${id}`, `name = '${nameOf(id)}'`]) {
      const found = await it.table.query().fastSearch().where(filter).toArray();
      expect(found.map((row) => Number(row.id))).toEqual([id]);
    }
  }
});
