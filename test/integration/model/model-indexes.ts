/** The indexes that a scenario's table has, and what each is asked: every kind that segmentd maintains, over every column it fits. */
import type { KindName } from '../../../src/lib/index-kinds.ts';
import type { Column, Probe, Row, Rows } from './model-rows.ts';
import {
  among,
  between,
  containing,
  different,
  either,
  equal,
  hasAll,
  hasAny,
  isNull,
  nearest,
  searching,
} from './model-rows.ts';

export type ModelIndex = { readonly name: string; readonly column: Column; readonly kind: KindName };

const over = (column: Column, kind: KindName): ModelIndex => ({ name: `${column}_${kind}`, column, kind });

/** The indexes of a table: two of them, since more would say the same in more time. */
export type Indexes = readonly [ModelIndex, ModelIndex];

/** Tables on which every Lance maintains every kind. A kind is added to the model by a line here and its questions below. */
export const DRAWN: readonly Indexes[] = [
  [over('id', 'btree'), over('name', 'btree')],
  [over('name', 'fm'), over('tags', 'label_list')],
  [over('id', 'btree'), over('name', 'bitmap')],
  [over('id', 'btree'), over('name', 'fts')],
  [over('name', 'btree'), over('spot', 'ivf_flat')],
  // Two kinds on one column: each has to know its own segments.
  [over('name', 'bitmap'), over('name', 'fm')],
  [over('id', 'bitmap'), over('tags', 'label_list')],
  [over('name', 'btree'), over('name', 'fm')],
  [over('name', 'fts'), over('tags', 'label_list')],
];

/** Of a short run: each kind once. */
export const EACH_KIND: readonly Indexes[] = DRAWN.slice(1, 5);

/** The kinds of a table with stable row ids that segmentd maintains. */
export const ON_STABLE_ROW_IDS: readonly Indexes[] = DRAWN.slice(0, 1);

/** What of a row, there or not, can be asked for. */
const known = ({ id, name, tags, spot }: Row) => ({
  id: id ?? 1_234_567,
  name: name ?? 'nobody',
  tags: tags ?? ['nothing'],
  spot,
});
type Known = ReturnType<typeof known>;

/** By kind and column: every kind of question that the index answers. The first is asked of the index alone. */
const ASKED: Partial<Record<KindName, Partial<Record<Column, (about: Known) => Probe[]>>>> = {};
const ordered = {
  id: ({ id, name }: Known) => [
    equal('id', id),
    among('id', [id, id + 1, -1]),
    between('id', id - 2, id + 6),
    either(equal('id', id), equal('name', name)),
    isNull('id'),
    different('id', id),
  ],
  name: ({ name }: Known) => [
    equal('name', name),
    between('name', name, `${name}~`),
    different('name', name),
    among('name', [name, 'nobody']),
    isNull('name'),
  ],
};
ASKED.btree = ordered;
ASKED.bitmap = ordered;
ASKED.label_list = {
  tags: ({ tags: [first = 'nothing', ...others] }) => [
    hasAny(first),
    hasAll(first, ...others),
    hasAny(first, 'nothing'),
    either(hasAny(first), equal('name', 'n1')),
  ],
};
ASKED.fm = {
  name: ({ name }) => [
    containing('name', name),
    containing('name', name.slice(1)),
    either(containing('name', name), isNull('id')),
  ],
};

ASKED.ivf_flat = { spot: ({ spot }) => [nearest('spot', spot), nearest('spot', [0, 0])] };
ASKED.fts = { name: ({ name }) => [searching('name', name), searching('name', 'upserted')] };

const askedOf = ({ kind, column }: ModelIndex, row: Row): Probe[] => {
  const ask = ASKED[kind]?.[column];
  if (!ask) throw new RangeError(`nobody knows what to ask a ${kind} over ${column}`);
  return ask(known(row));
};

/** What is asked of a table: of the indexes that it may have, those that it has. Nobody searches texts without an index. */
export type Asked = { readonly drawn: Indexes; readonly indexes: ReadonlySet<string> };

const canBeAsked = ({ kind, name }: ModelIndex, there: ReadonlySet<string>) => kind !== 'fts' || there.has(name);

/** Questions about one row by all indexes, those of each in turn. */
export function probesAround({ drawn, indexes }: Asked, row: Row): Probe[] {
  const [a, b] = drawn.map((index) => (canBeAsked(index, indexes) ? askedOf(index, row) : [])) as [Probe[], Probe[]];
  return Array.from({ length: Math.max(a.length, b.length) }, (_, at) => [a[at], b[at]])
    .flat()
    .filter((probe) => probe !== undefined);
}

/** The question for which the index alone has to know the answer. */
export const probeOf = (index: ModelIndex, row: Row): Probe => askedOf(index, row)[0] as Probe;

/** Questions that every row with a value answers: one that a segment does not know, or knows under an older value, is missed. */
export function probesOfAll({ drawn }: Asked, rows: Rows): Probe[] {
  const all = [...rows.values()];
  return drawn.flatMap(({ kind, column }) => {
    if (kind === 'fts' || column === 'spot') return [];
    if (kind === 'fm') return ['n', 'u'].map((piece) => containing('name', piece));
    if (column === 'tags') return [hasAny(...new Set(all.flatMap(({ tags }) => tags ?? [])), 'nothing')];
    if (column === 'name') return [between('name', '', '~')];
    const ids = all.flatMap(({ id }) => (id === null ? [] : [id]));
    return ids.length === 0 ? [] : [between('id', Math.min(...ids), Math.max(...ids) + 1)];
  });
}
