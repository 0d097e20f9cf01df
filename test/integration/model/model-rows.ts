/** Rows as the model keeps them, and questions about them that both the model and LanceDB can answer. */
import { Field, FixedSizeList, Float32, Int32, Int64, List, Schema, Table, Utf8, vectorFromArray } from 'apache-arrow';

export type Row = {
  readonly key: number;
  readonly id: number | null;
  readonly name: string | null;
  readonly tags: readonly string[] | null;
  readonly spot: Spot;
};

/**
 * A vector. Rows lie on a line by their keys, and an update moves them to another line: all distances are whole numbers that float32 holds,
 * and no two are the same within a table of 500 keys.
 */
export type Spot = readonly [along: number, line: number];
const SPACING = 3;
const LINES = { fresh: 0, updated: 1500, upserted: 3000 } as const;
const spotOf = (key: number, line: keyof typeof LINES): Spot => [SPACING * key, LINES[line]];

/** By key. Never changed in place: every version keeps its own. */
export type Rows = ReadonlyMap<number, Row>;

/** Columns with indexes. `id` is all different, `name` and `tags` repeat; all have nulls. */
export type Column = 'id' | 'name' | 'tags' | 'spot';
type Plain = 'id' | 'name';

export const freshRow = (key: number): Row => ({
  key,
  id: key % 7 === 3 ? null : key,
  name: key % 5 === 2 ? null : `n${key % 40}`,
  tags: key % 6 === 4 ? null : key % 6 === 5 ? [] : [`t${key % 9}`, key % 2 === 0 ? 'even' : 'odd'],
  spot: spotOf(key, 'fresh'),
});

/** What an update makes of a row: the value of the column, and the same as SQL. `from` tells one update from another. */
export function updated(row: Row, column: Column, from: number): Row {
  switch (column) {
    case 'id':
      return { ...row, id: row.key + 1_000_000 };
    case 'name':
      return { ...row, name: `u${from}` };
    case 'tags':
      return { ...row, tags: [`u${from}`] };
    case 'spot':
      return { ...row, spot: spotOf(row.key, 'updated') };
  }
}
/** Of a vector there is none. */
export const updateOf = (column: Exclude<Column, 'spot'>, from: number): string =>
  ({ id: 'key + 1000000', name: `'u${from}'`, tags: `['u${from}']` })[column];

export const upserted = (row: Row): Row => ({
  ...row,
  id: row.key + 2_000_000,
  name: 'upserted',
  tags: ['upserted', 'even'],
  spot: spotOf(row.key, 'upserted'),
});

const SCHEMA = new Schema([
  new Field('key', new Int32(), false),
  new Field('id', new Int64(), true),
  new Field('name', new Utf8(), true),
  new Field('tags', new List(new Field('item', new Utf8(), true)), true),
  new Field('spot', new FixedSizeList(2, new Field('item', new Float32(), true)), true),
]);

export function toArrow(rows: readonly Row[]): Table {
  const ids = rows.map(({ id }) => (id === null ? null : BigInt(id)));
  return new Table(SCHEMA, {
    key: vectorFromArray(
      rows.map(({ key }) => key),
      new Int32(),
    ),
    id: vectorFromArray(ids, new Int64()),
    name: vectorFromArray(
      rows.map(({ name }) => name),
      new Utf8(),
    ),
    tags: vectorFromArray(
      rows.map(({ tags }) => tags),
      (SCHEMA.fields[3] as Field).type,
    ),
    spot: vectorFromArray(
      rows.map(({ spot }) => spot),
      (SCHEMA.fields[4] as Field).type,
    ),
  });
}

type Value = number | string;

export type Probe = {
  /** A filter, or what is searched for. */
  readonly where: string;
  readonly matches: (row: Row, rows: Rows) => boolean;
  /** Of a full-text search. */
  readonly search?: Search;
  /** Of a search for neighbours, exact by all probes. */
  readonly near?: Near;
};
export type Near = { readonly column: Column; readonly vector: Spot; readonly limit: number };
export type Search = { readonly column: Column; readonly word: string };

const sql = (value: Value) => (typeof value === 'number' ? `${value}` : `'${value}'`);

export const equal = (column: Plain, value: Value): Probe => ({
  where: `${column} = ${sql(value)}`,
  matches: (row) => row[column] === value,
});

export const different = (column: Plain, value: Value): Probe => ({
  where: `${column} != ${sql(value)}`,
  matches: (row) => row[column] !== null && row[column] !== value,
});

export const among = (column: Plain, values: readonly Value[]): Probe => ({
  where: `${column} IN (${values.map(sql).join(', ')})`,
  matches: (row) => values.some((value) => row[column] === value),
});

export const between = (column: Plain, low: Value, high: Value): Probe => ({
  where: `${column} >= ${sql(low)} AND ${column} < ${sql(high)}`,
  matches: (row) => row[column] !== null && row[column] >= low && row[column] < high,
});

export const isNull = (column: Plain): Probe => ({
  where: `${column} IS NULL`,
  matches: (row) => row[column] === null,
});

/** Lance answers `contains` by an FM index, and neither an empty text nor a denial of it rightly. */
export const containing = (column: 'name', piece: string): Probe => ({
  where: `contains(${column}, '${piece}')`,
  matches: (row) => row[column]?.includes(piece) ?? false,
});

/** Names are single words. */
export const searching = (column: 'name', word: string): Probe => ({
  where: `${column} matches ${word}`,
  matches: (row) => row[column] === word,
  search: { column, word },
});

const NEIGHBOURS = 4;

/** The neighbours of a place beside the spot, at which no two rows are equally near. */
export function nearest(column: 'spot', [along, line]: Spot): Probe {
  const vector: Spot = [along + 1, line];
  const distance = ({ spot }: Row) => (spot[0] - vector[0]) ** 2 + (spot[1] - vector[1]) ** 2;
  return {
    where: `${column} near ${vector}`,
    matches: (row, rows) => {
      const nearer = [...rows.values()].filter((other) => distance(other) < distance(row));
      return nearer.length < NEIGHBOURS;
    },
    near: { column, vector, limit: NEIGHBOURS },
  };
}

export const hasAny = (...labels: string[]): Probe => ({
  where: `array_has_any(tags, [${labels.map(sql).join(', ')}])`,
  matches: ({ tags }) => tags?.some((tag) => labels.includes(tag)) ?? false,
});

export const hasAll = (...labels: string[]): Probe => ({
  where: `array_has_all(tags, [${labels.map(sql).join(', ')}])`,
  matches: ({ tags }) => tags !== null && labels.every((label) => tags.includes(label)),
});

export const either = (a: Probe, b: Probe): Probe => ({
  where: `(${a.where}) OR (${b.where})`,
  matches: (row, rows) => a.matches(row, rows) || b.matches(row, rows),
});
