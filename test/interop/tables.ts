/** What the tables of the suite have in common. */
import type { Shape, TableUnderTest } from './table-under-test.ts';

/** Indexed by the table's maker before segmentd sees it. */
export const INDEXED = ['id', 'f', 's', 'a.b'];
/** Without an index until segmentd is told their names. */
const BARE = ['n', 'u', 'g', 'flag', 'day', 'at', 'tz'];
export const COLUMNS = [...INDEXED, ...BARE];
export const named = (columns: readonly string[]) => columns.map((column) => ({ column }));

export const PLAIN: Shape = { maker: 'pylance', dataFormat: '2.1', v2Names: true };
/** Of the newest pylance: segments of row addresses, which LanceDB 0.39 leaves alone. */
export const STABLE: Shape = { ...PLAIN, stableRowIds: true };

/** A table that is not there yet. Undefined where there is no pylance to be had and `CI` is not set; see findPylance. */
export type NewTable = () => Promise<TableUnderTest | undefined>;

/** Two indexed fragments with deleted and updated rows in them, and later fragments that no index knows. */
export async function fill(table: TableUnderTest, shape: Shape): Promise<void> {
  const { maker } = shape;
  await table.create(shape, 0, 5000);
  await table.append(maker, 5000, 400);
  await table.createIndexes(maker, INDEXED.slice(0, 2));
  // A table of LanceDB's gets some indexes from pylance too, so that segments of three writers lie side by side.
  await table.createIndexes('pylance', INDEXED.slice(2));
  await table.ask('delete', { where: 'id % 10 = 3' });
  await table.append(maker, 5400, 300);
  await table.ask('update', { where: 'id % 50 = 7', values: { n: 'n + 1', s: "concat(s, '+')" } });
  await table.append(maker, 5700, 300);
  await table.ask('delete', { where: 'id % 100 = 51' });
}

/** The column `n` of the whole first fragment, which keeps its id. */
export const REWRITE = ['rewrite_column', { start: 0, count: 5000 }] as const;

/**
 * Before lance 8, optimize_indices fails on a BTREE of more than one segment, from any writer, and changes nothing: it could
 * only update a single segment (lance-format/lance#6889). segmentd or a rebuild of the index keep such a table complete.
 */
export const CANNOT_JOIN = /Index with id \S+ does not exist/;
