import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { gaps, wrongAnswers } from './report.ts';
import type { Shape, TableUnderTest } from './table-under-test.ts';
import { PROPERTIES } from './table-under-test.ts';
import type { NewTable } from './tables.ts';
import { CANNOT_JOIN, COLUMNS, fill, INDEXED, named } from './tables.ts';

type Transaction = { operation: string; uuid: string; read_version: number; properties: Record<string, string> };

/** One table from its first row to its last index: made, caught up, maintained by pylance, caught up again. */
export function lifeOfATable(shape: Shape, newTable: NewTable, joinsSegments: boolean): void {
  let table: TableUnderTest | undefined;

  beforeAll(async () => {
    table = await newTable();
    if (table) await fill(table, shape);
  });

  test('is readable before segmentd touches it, and its indexes are behind', async () => {
    if (!table) return;
    const report = await table.check(INDEXED);
    expect(report).toMatchObject({ data_format: shape.dataFormat, fragments: [0, 1, 2, 3, 4] });
    expect(wrongAnswers(report)).toEqual([]);
    expect(report.indexes.map((index) => index.unindexed_fragments)).toEqual([3, 3, 3, 3]);
    expect(gaps(report)).toContain('id_idx: fragments 2,3,4 are in no segment');
    const names = (await readdir(join(table.uri, '_versions'))).filter((name) => name.endsWith('.manifest'));
    expect(names.filter((name) => (name.length === '.manifest'.length + 20) !== shape.v2Names)).toEqual([]);
  });

  test('is complete once segmentd has caught up, and an older handle can still write', async () => {
    if (!table) return;
    const before = await table.check([]);
    expect(await table.ask('hold')).toBe(before.version);
    const { version, segments } = await table.catchUp('existing');
    expect(version).toBe(before.version + 1);

    const report = await table.check(INDEXED);
    expect(report.version).toBe(version);
    expect([...wrongAnswers(report), ...gaps(report)]).toEqual([]);
    for (const index of report.indexes) {
      const [theirs, ours] = index.segments;
      expect([theirs]).toEqual(before.indexes.find(({ name }) => name === index.name)?.segments);
      expect(segments.find(({ uuid }) => uuid === ours?.uuid)?.index).toBe(index.name);
      expect(ours).toMatchObject({ fragments: [2, 3, 4], dataset_version: before.version });
      expect(ours?.index_version).toBe(theirs?.index_version);
      expect(Math.abs(Date.now() - (ours?.created_at_ms ?? 0))).toBeLessThan(600_000);
    }
    expect(await table.disagreements(report)).toEqual([]);

    const [transaction] = await table.ask<Transaction[]>('transactions', { last: 1 });
    expect(transaction).toMatchObject({ operation: 'CreateIndex', properties: PROPERTIES });
    expect(transaction?.read_version).toBe(before.version);
    await table.ask('delete_with_held', { where: 'id % 100 = 55' });
    const after = await table.check(INDEXED);
    expect(after.version).toBe(version + 1);
    expect([...wrongAnswers(after), ...gaps(after)]).toEqual([]);
  });

  test('gets indexes that it never had', async () => {
    if (!table) return;
    await table.catchUp(named(COLUMNS));
    const report = await table.check(COLUMNS);
    expect(new Set(report.listed)).toEqual(new Set(COLUMNS.map((column) => `${column}_idx`)));
    expect([...wrongAnswers(report), ...gaps(report)]).toEqual([]);
    expect(await table.disagreements(report)).toEqual([]);
  });

  test('is maintained by pylance as before', async () => {
    if (!table) return;
    const right = async (what: string) => {
      const report = await (table as TableUnderTest).check(INDEXED);
      expect(wrongAnswers(report), what).toEqual([]);
      return report;
    };
    await table.append(shape.maker, 6000, 200);
    if (joinsSegments) await table.ask('optimize_indices');
    else {
      await expect(table.ask('optimize_indices')).rejects.toThrow(CANNOT_JOIN);
      await table.catchUp('existing');
    }
    expect(gaps(await right('optimize_indices'))).toEqual([]);
    const { fragments: before } = await right('before compact_files');
    const compacted = await table.ask<{ removed: number; added: number }>('compact_files');
    expect(compacted.removed).toBeGreaterThan(compacted.added);
    const after = await right('compact_files');
    expect(after.fragments.length).toBe(before.length - compacted.removed + compacted.added);
    expect(gaps(after)).toEqual([]);
    await table.ask('merge_insert', { start: 6100, count: 200 });
    await right('merge_insert');
    await table.ask('update', { where: 'id % 40 = 9', values: { f: '1.5', s: "'updated'" } });
    await right('update');
    await table.ask('delete', { where: 'id % 40 = 11 OR id < 100' });
    await right('delete');
    await table.ask('cleanup');
    await right('cleanup_old_versions');
  });

  test('is complete again after segmentd ran again, for pylance and for LanceDB', async () => {
    if (!table) return;
    await table.append(shape.maker, 7000, 100);
    await table.catchUp('existing');
    const report = await table.check(COLUMNS);
    expect([...wrongAnswers(report), ...gaps(report)]).toEqual([]);
    expect(await table.disagreements(report)).toEqual([]);
  });

  test('keeps our segments through a cleanup of all older versions, and lets them be replaced and dropped', async () => {
    if (!table) return;
    expect((await table.ask<number[]>('versions')).length).toBeGreaterThan(10);
    const { old_versions: removed } = await table.ask<{ old_versions: number }>('cleanup', { older_than_seconds: 0 });
    expect(removed).toBeGreaterThan(10);
    expect((await table.ask<number[]>('versions')).length).toBe(1);
    await table.ask('create_index', { columns: ['s'], replace: true });
    await table.ask('drop_index', { name: 'id_idx' });
    const report = await table.check(COLUMNS.slice(1));
    expect(report.listed).not.toContain('id_idx');
    expect(report.indexes.find((index) => index.name === 's_idx')?.segments.length).toBe(1);
    expect([...wrongAnswers(report), ...gaps(report)]).toEqual([]);
  });
}
