/** Rows as the model keeps them, and questions about them that both the model and LanceDB can answer. */
import { Field, Int32, Int64, Schema, Table, Utf8, vectorFromArray } from 'apache-arrow';

export type Row = { readonly key: number; readonly id: number | null; readonly name: string | null };

/** By key. Never changed in place: every version keeps its own. */
export type Rows = ReadonlyMap<number, Row>;

/** The indexed columns. `id` is all different, `name` repeats; both have nulls. */
export const COLUMNS = ['id', 'name'] as const;
export type Column = (typeof COLUMNS)[number];

export const freshRow = (key: number): Row => ({
  key,
  id: key % 7 === 3 ? null : key,
  name: key % 5 === 2 ? null : `n${key % 40}`,
});

const SCHEMA = new Schema([
  new Field('key', new Int32(), false),
  new Field('id', new Int64(), true),
  new Field('name', new Utf8(), true),
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
  });
}

type Value = number | string;

export type Probe = { readonly where: string; readonly matches: (row: Row) => boolean };

const sql = (value: Value) => (typeof value === 'number' ? `${value}` : `'${value}'`);

export const equal = (column: Column, value: Value): Probe => ({
  where: `${column} = ${sql(value)}`,
  matches: (row) => row[column] === value,
});

export const different = (column: Column, value: Value): Probe => ({
  where: `${column} != ${sql(value)}`,
  matches: (row) => row[column] !== null && row[column] !== value,
});

export const among = (column: Column, values: readonly Value[]): Probe => ({
  where: `${column} IN (${values.map(sql).join(', ')})`,
  matches: (row) => values.some((value) => row[column] === value),
});

export const between = (column: Column, low: Value, high: Value): Probe => ({
  where: `${column} >= ${sql(low)} AND ${column} < ${sql(high)}`,
  matches: (row) => row[column] !== null && row[column] >= low && row[column] < high,
});

export const isNull = (column: Column): Probe => ({
  where: `${column} IS NULL`,
  matches: (row) => row[column] === null,
});

export const either = (a: Probe, b: Probe): Probe => ({
  where: `(${a.where}) OR (${b.where})`,
  matches: (row) => a.matches(row) || b.matches(row),
});

/** Questions about one row, there or not: by each column, every kind of predicate that an index answers. */
export function probesAround({ id, name }: Row): Probe[] {
  const about = { id: id ?? 1_234_567, name: name ?? 'nobody' };
  return [
    equal('id', about.id),
    equal('name', about.name),
    among('id', [about.id, about.id + 1, -1]),
    between('id', about.id - 2, about.id + 6),
    either(equal('id', about.id), equal('name', about.name)),
    isNull('id'),
    between('name', about.name, `${about.name}~`),
    different('name', about.name),
    among('name', [about.name, 'nobody']),
    isNull('name'),
    different('id', about.id),
  ];
}

/** Questions that every row with a value answers: one that a segment does not know, or knows under an older value, is missed. */
export function probesOfAll(rows: Rows): Probe[] {
  const ids = [...rows.values()].flatMap(({ id }) => (id === null ? [] : [id]));
  return ids.length === 0 ? [] : [between('id', Math.min(...ids), Math.max(...ids) + 1), between('name', '', '~')];
}
