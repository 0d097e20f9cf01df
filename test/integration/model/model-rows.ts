/** Rows as the model keeps them, and questions about them that both the model and LanceDB can answer. */
import { Field, Int32, Int64, List, Schema, Table, Utf8, vectorFromArray } from 'apache-arrow';

export type Row = {
  readonly key: number;
  readonly id: number | null;
  readonly name: string | null;
  readonly tags: readonly string[] | null;
};

/** By key. Never changed in place: every version keeps its own. */
export type Rows = ReadonlyMap<number, Row>;

/** Columns with indexes. `id` is all different, `name` and `tags` repeat; all have nulls. */
export type Column = 'id' | 'name' | 'tags';
type Plain = Exclude<Column, 'tags'>;

export const freshRow = (key: number): Row => ({
  key,
  id: key % 7 === 3 ? null : key,
  name: key % 5 === 2 ? null : `n${key % 40}`,
  tags: key % 6 === 4 ? null : key % 6 === 5 ? [] : [`t${key % 9}`, key % 2 === 0 ? 'even' : 'odd'],
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
  }
}
export const updateOf = (column: Column, from: number): string =>
  ({ id: 'key + 1000000', name: `'u${from}'`, tags: `['u${from}']` })[column];

export const upserted = (row: Row): Row => ({
  ...row,
  id: row.key + 2_000_000,
  name: 'upserted',
  tags: ['upserted', 'even'],
});

const SCHEMA = new Schema([
  new Field('key', new Int32(), false),
  new Field('id', new Int64(), true),
  new Field('name', new Utf8(), true),
  new Field('tags', new List(new Field('item', new Utf8(), true)), true),
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
  });
}

type Value = number | string;

export type Probe = {
  /** A filter, or what is searched for. */
  readonly where: string;
  readonly matches: (row: Row) => boolean;
  /** Of a full-text search. */
  readonly search?: Search;
};
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
  matches: (row) => a.matches(row) || b.matches(row),
});
