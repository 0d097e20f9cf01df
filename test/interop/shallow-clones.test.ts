/** A shallow clone has its first files in another table, a clone of a clone in several. */
import { describe, expect, test } from 'vitest';
import { LONG } from '../../testing/long.ts';
import { PYLANCE_VERSIONS, versionsFor } from '../../testing/pylance.ts';
import { answersOf, tablesOfPylance } from './pylance-table.ts';
import type { TableUnderTest } from './table-under-test.ts';
import { named, PLAIN } from './tables.ts';

const FILTERS = ['id = 50', 'id = 550', 'id = 650'];
const RIGHT = FILTERS.map((filter) => `${filter}: 1 by index, 1 by scan`);

describe.each(versionsFor(LONG))('shallow clones made by pylance %s', (version) => {
  const newTable = tablesOfPylance(version);

  /** The next clone, with rows of its own and the index caught up by segmentd. */
  async function served(table: TableUnderTest, start: number): Promise<TableUnderTest> {
    const clone = await table.shallowClone();
    expect(await clone.findings()).toEqual([]);
    await clone.append('pylance', start, 100);
    const { segments } = await clone.catchUp('existing');
    expect(segments.map(({ rows }) => rows)).toEqual([100]);
    expect(await clone.findings()).toEqual([]);
    return clone;
  }

  async function source(): Promise<TableUnderTest | undefined> {
    const table = await newTable();
    await table?.create(PLAIN, 0, 500);
    await table?.catchUp(named(['id']));
    return table;
  }

  test('are verified and served', async () => {
    const table = await source();
    if (!table) return;
    const clone = await served(table, 500);
    expect(await answersOf(clone, FILTERS.slice(0, 2))).toEqual(RIGHT.slice(0, 2));
  });

  if (version === PYLANCE_VERSIONS.newest) {
    test('are verified and served when they are clones of clones', async () => {
      const table = await source();
      if (!table) return;
      const clone = await served(await served(table, 500), 600);
      expect(await answersOf(clone, FILTERS)).toEqual(RIGHT);
    });
  } else {
    // Before lance 14, a clone of a clone looks for the files of both in the nearer one.
    test('are reported as broken when they are, as clones of clones', async () => {
      const table = await source();
      if (!table) return;
      const broken = await (await table.shallowClone()).shallowClone();
      const codes = (await broken.findings()).map((it) => it.split(':', 1)[0]);
      expect(codes).toEqual(['file_missing', 'file_missing', 'query_failed']);
      await expect(answersOf(broken, FILTERS)).rejects.toThrow(/page_lookup\.lance/);
    });
  }
});
