/** Rows with a column for each kind of index, as a function of their ids. */
import { Field, List, makeVector, Table, Utf8, vectorFromArray } from 'apache-arrow';
import type { KindName } from '../src/lib/index-kinds.ts';
import { nameOf } from './people.ts';

/** The column that an index of the kind is made over, and a question about the row of an id that it answers, with its scan. */
export type KindColumn = {
  readonly column: string;
  readonly kind: KindName;
  where(id: number): string;
  /** The same with the column behind a function that hides it from the index. */
  scanned(id: number): string;
};

const asked = (column: string, kind: KindName, hide: (column: string) => string, ask: Ask): KindColumn => ({
  column,
  kind,
  where: (id) => ask(column, id),
  scanned: (id) => ask(hide(column), id),
});
type Ask = (column: string, id: number) => string;
const nullif = (column: string) => `nullif(${column}, NULL)`;
const coalesced = (column: string) => `coalesce(${column}, ${column})`;

const COLORS = ['red', 'green', 'blue', null] as const;
const colorOf = (id: number) => COLORS[id % 4] ?? null;
const tagsOf = (id: number) => (id % 7 === 5 ? null : id % 7 === 6 ? [] : [`t${id % 5}`, 'all', null]);
const bodyOf = (id: number) => (id % 11 === 10 ? null : `no ${id} abc${id % 10}xyz`);

/** One column for each kind beside the BTREEs that every table of people has. */
export const KIND_COLUMNS: readonly KindColumn[] = [
  asked('id', 'btree', nullif, (it, id) => `${it} = ${id}`),
  asked('name', 'btree', nullif, (it, id) => `${it} = '${nameOf(id)}'`),
  asked('color', 'bitmap', nullif, (it, id) => (colorOf(id) ? `${it} = '${colorOf(id)}'` : `${it} IS NULL`)),
  asked('tags', 'label_list', coalesced, (it, id) => `array_has_all(${it}, ['all', 't${id % 5}'])`),
  asked('body', 'fm', nullif, (it, id) => `contains(${it}, 'abc${id % 10}x')`),
];

/** Rows `from` to `from + count - 1`: people, with the other columns. */
export function kindRows(from: number, count: number): Table {
  const ids = Array.from({ length: count }, (_, at) => from + at);
  return new Table({
    id: makeVector(BigInt64Array.from(ids, BigInt)),
    name: vectorFromArray(ids.map(nameOf), new Utf8()),
    color: vectorFromArray(ids.map(colorOf), new Utf8()),
    tags: vectorFromArray(ids.map(tagsOf), new List(new Field('item', new Utf8(), true))),
    body: vectorFromArray(ids.map(bodyOf), new Utf8()),
  });
}
