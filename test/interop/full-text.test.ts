/** Full-text indexes that pylance makes and segmentd keeps fresh: searched and maintained by pylance. */
import { describe, expect, test } from 'vitest';
import { LONG } from '../../testing/long.ts';
import { versionsFor } from '../../testing/pylance.ts';
import { tablesOfPylance } from './pylance-table.ts';
import type { TableUnderTest } from './table-under-test.ts';

const QUERIES = ['red', 'n3', 'green n5', 'row207', '"red n0"', '"blue n2"'];

describe.each(versionsFor(LONG))('a full-text index, pylance %s,', (version) => {
  const newTable = tablesOfPylance(version);

  /** Finds the same as a scan, by the index alone. */
  const right = async (table: TableUnderTest, segments: number | null) => {
    expect(await table.ask('search', { queries: QUERIES })).toEqual([]);
    const described = await table.ask('describe_texts');
    if (segments !== null) expect(described).toMatchObject([{ name: 'body_idx', segments }]);
    expect(await table.findings()).toEqual([]);
  };

  test('is complete in the hands of segmentd, and maintained by pylance as before', async () => {
    const table = await newTable();
    if (!table) return;
    await table.ask('append_texts', { start: 0, count: 200 });
    await table.ask('index_texts');
    for (const start of [200, 300]) {
      await table.ask('append_texts', { start, count: 100 });
      await table.catchUp('existing');
    }
    await right(table, 3);
    const { version: whole } = await table.open().latest();
    await table.ask('delete', { where: 'id % 10 = 3' });
    await right(table, 3);
    await table.ask('update', { where: 'id % 20 = 4', values: { body: "'updated red n3'" } });
    await table.ask('merge_texts', { start: 390, count: 40 });
    await table.catchUp('existing');
    await right(table, 4);
    await table.ask('compact_files');
    await right(table, null);
    await table.ask('append_texts', { start: 500, count: 100 });
    await table.ask('optimize_indices');
    await right(table, null);
    await table.ask('append_texts', { start: 600, count: 50 });
    await table.catchUp('existing');
    await right(table, null);
    await table.ask('restore', { version: whole });
    await right(table, 3);
    await table.ask('drop_index', { name: 'body_idx' });
    expect(await table.ask('describe_texts')).toEqual([]);
    await table.ask('index_texts');
    await right(table, 1);
  });

  test('with parameters that Node has no option for is left alone, and the BTREEs beside it are kept fresh', async () => {
    const table = await newTable();
    if (!table) return;
    await table.ask('append_texts', { start: 0, count: 50 });
    await table.ask('index_texts', { max_token_length: null });
    await table.ask('create_index', { columns: ['id'] });
    await table.ask('append_texts', { start: 50, count: 50 });
    await table.catchUp('existing');
    const { indexes } = await table.open().latest();
    expect(indexes.map(({ name }) => name)).toEqual(['body_idx', 'id_idx', 'id_idx']);
  });
});
