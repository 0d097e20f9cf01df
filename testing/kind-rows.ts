/** Rows with a column for each kind of index, as a function of their ids, and questions about them. */
import type { Query, Table, VectorQuery } from '@lancedb/lancedb';
import { MatchQuery } from '@lancedb/lancedb';
import { Field, FixedSizeList, Float32, List, makeVector, Table as Rows, Utf8, vectorFromArray } from 'apache-arrow';
import type { KindName } from '../src/lib/index-kinds.ts';
import { kindUnderTest } from './kinds.ts';
import { nameOf } from './people.ts';
import { seeded } from './seeded.ts';

type Ask = (table: Table, id: number) => Query | VectorQuery;

/** A column with an index of the kind, and a question about the row of an id: as the index answers it, and without the index. */
export type KindColumn = {
  readonly column: string;
  readonly kind: KindName;
  readonly ask: Ask;
  readonly scan: Ask;
};

type Condition = (column: string, id: number) => string;

/** `hide` makes of the column an expression of the same values that no index is used for. */
const filtered = (column: string, kind: KindName, condition: Condition, hide = nullif): KindColumn => ({
  column,
  kind,
  ask: (table, id) => table.query().where(condition(column, id)),
  scan: (table, id) => table.query().where(condition(hide(column), id)),
});
const nullif = (column: string) => `nullif(${column}, NULL)`;
const coalesced = (column: string) => `coalesce(${column}, ${column})`;

const COLORS = ['red', 'green', 'blue', null] as const;
const colorOf = (id: number) => COLORS[id % 4] ?? null;
const tagsOf = (id: number) => (id % 7 === 5 ? null : id % 7 === 6 ? [] : [`t${id % 5}`, 'all', null]);
const bodyOf = (id: number) => (id % 11 === 10 ? null : `no ${id} abc${id % 10}xyz`);
const noteOf = (id: number) => (id % 13 === 12 ? null : `word${id % 9} of many`);

const DIMENSIONS = 8;
const vectorOf = (id: number) => {
  const random = seeded(id);
  return Array.from({ length: DIMENSIONS }, () => random() - 0.5);
};
const nearest = (table: Table, id: number) => table.query().nearestTo(vectorOf(id)).column('vector').limit(5);

const ALL = 100_000;

/** Fresh vectors are indexed at once, few as they are in a test. */
export const MIN_ROWS = 1;

/** One column for each kind, and a second BTREE. A kind has one line here. */
export const KIND_COLUMNS: readonly KindColumn[] = [
  filtered('id', 'btree', (it, id) => `${it} = ${id}`),
  filtered('name', 'btree', (it, id) => `${it} = '${nameOf(id)}'`),
  filtered('color', 'bitmap', (it, id) => (colorOf(id) ? `${it} = '${colorOf(id)}'` : `${it} IS NULL`)),
  filtered('tags', 'label_list', (it, id) => `array_has_all(${it}, ['all', 't${id % 5}'])`, coalesced),
  filtered('body', 'fm', (it, id) => `contains(${it}, 'abc${id % 10}x')`),
  {
    column: 'note',
    kind: 'fts',
    ask: (table, id) =>
      table
        .query()
        .fullTextSearch(new MatchQuery(`word${id % 9}`, 'note'))
        .limit(ALL),
    scan: (table, id) => table.query().where(`${nullif('note')} LIKE 'word${id % 9} %'`),
  },
  {
    column: 'vector',
    kind: 'ivf_flat',
    // All partitions of vectors as they are: exact, however many segments there are.
    ask: (table, id) => nearest(table, id).nprobes(ALL),
    scan: (table, id) => nearest(table, id).bypassVectorIndex(),
  },
];

export type KindAnswer = {
  readonly asked: string;
  readonly indexed: readonly number[];
  readonly scanned: readonly number[];
  /** Whether the index of the column, by its usual name, takes part. */
  readonly usesIndex: boolean;
};

/** What LanceDB answers about the row of an id. */
export async function answerOf(table: Table, { column, kind, ask, scan }: KindColumn, id: number): Promise<KindAnswer> {
  const plan = await ask(table, id).explainPlan(true);
  return {
    asked: `${kind} over ${column}, about row ${id}`,
    indexed: await idsOf(ask(table, id)),
    scanned: await idsOf(scan(table, id)),
    usesIndex: plan.includes(kindUnderTest(kind).planOf(`${column}_idx`)),
  };
}

async function idsOf(query: Query | VectorQuery): Promise<number[]> {
  const rows: { id: bigint | number }[] = await query.select(['id']).toArray();
  return rows.map(({ id }) => Number(id)).sort((a, b) => a - b);
}

/** Rows `from` to `from + count - 1`: people, with the other columns. */
export function kindRows(from: number, count: number): Rows {
  const ids = Array.from({ length: count }, (_, at) => from + at);
  return new Rows({
    id: makeVector(BigInt64Array.from(ids, BigInt)),
    name: vectorFromArray(ids.map(nameOf), new Utf8()),
    color: vectorFromArray(ids.map(colorOf), new Utf8()),
    tags: vectorFromArray(ids.map(tagsOf), new List(new Field('item', new Utf8(), true))),
    body: vectorFromArray(ids.map(bodyOf), new Utf8()),
    note: vectorFromArray(ids.map(noteOf), new Utf8()),
    vector: vectorFromArray(ids.map(vectorOf), new FixedSizeList(DIMENSIONS, new Field('item', new Float32(), true))),
  });
}
