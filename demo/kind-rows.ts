/**
 * The table of `--kinds`: documents with a column for each kind of index, and a question to each that only rows of one append answer.
 * Rows are a function of their number, and each batch has a value, a label, a word and a direction of its own.
 */
import type { Query, Table, VectorQuery } from '@lancedb/lancedb';
import type { DataType } from 'apache-arrow';
import {
  Table as ArrowTable,
  Field,
  FixedSizeList,
  Float32,
  List,
  makeVector,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import type { KindName } from '../src/lib/index-kinds.ts';

export const DOCUMENTS = 'documents';
const DIMENSIONS = 16;
const WORDS = ['index', 'query', 'table', 'fragment', 'version', 'segment', 'writer', 'reader', 'append', 'commit'];

/** A batch of rows with the number by which its rows are told from others; that of the first rows is 0. */
export type Batch = { readonly number: number; readonly from: number; readonly rows: number };

/** A row with what it found. */
type Found = { readonly id: bigint | number };

export type Question = {
  readonly column: string;
  readonly kind: KindName;
  /** Parameters beside the kind, in the configuration. */
  readonly parameters?: Readonly<Record<string, string | number | boolean>>;
  /** What is asked, in a word. */
  readonly asks: string;
  /** Columns that come of themselves, and that Lance wants to be named. */
  readonly selects?: readonly string[];
  /** What LanceDB's plan says when the index answers; and when a search of unindexed rows does, too. */
  readonly plan: { readonly index: string; readonly beside?: string };
  /** Asks for a row of the batch. */
  ask(table: Table, batch: Batch): Asked;
};
/** What LanceDB's queries and vector queries have in common. */
type Asked = Query | VectorQuery;

/** A filter; the plan names the index that answers it. */
const filter = (column: string, condition: (batch: Batch) => string) => ({
  plan: { index: `@${column}_idx(` },
  ask: (table: Table, batch: Batch) => table.query().where(condition(batch)),
});

export const QUESTIONS: readonly Question[] = [
  { column: 'id', kind: 'btree', asks: 'an id', ...filter('id', ({ from }) => `id = ${from}`) },
  { column: 'day', kind: 'bitmap', asks: 'a value', ...filter('day', ({ number }) => `day = 'day-${number}'`) },
  {
    ...{ column: 'tags', kind: 'label_list', asks: 'a label' },
    ...filter('tags', ({ number }) => `array_has(tags, 'batch-${number}')`),
  },
  {
    ...{ column: 'code', kind: 'fm', asks: 'a part of a text' },
    ...filter('code', ({ from }) => `contains(code, '/${from.toString(36)}/')`),
  },
  {
    ...{ column: 'body', kind: 'fts', parameters: { language: 'English' }, asks: 'a word' },
    selects: ['_score'],
    plan: { index: ' MatchQuery', beside: 'FlatMatchQuery' },
    ask: (table, { number }) => table.search(`batch${number}`, 'fts', 'body') as VectorQuery,
  },
  {
    ...{ column: 'vector', kind: 'ivf_flat', parameters: { metric: 'cosine' }, asks: 'a neighbour' },
    selects: ['_distance'],
    plan: { index: 'ANNSubIndex', beside: 'LanceScan' },
    ask: (table, { number, from }) => table.query().nearestTo(vectorOf(number, from)),
  },
];

/** A unit vector for each batch, and rows close around it. */
function vectorOf(batch: number, row: number): number[] {
  const wave = (at: number, of: number) => Math.sin((of + 1) * 12.9898 * (at + 1));
  const vector = Array.from({ length: DIMENSIONS }, (_, at) => wave(at, batch) + wave(at, row) / 20);
  const length = Math.hypot(...vector);
  return vector.map((it) => it / length);
}

export function documents({ number, from, rows }: Batch): ArrowTable {
  const column = <T>(type: DataType, make: (row: number) => T) =>
    vectorFromArray(
      Array.from({ length: rows }, (_, at) => make(from + at)),
      type,
    );
  return new ArrowTable({
    id: makeVector(BigInt64Array.from({ length: rows }, (_, at) => BigInt(from + at))),
    day: column(new Utf8(), () => `day-${number}`),
    tags: column(new List(new Field('item', new Utf8(), true)), (row) => [`batch-${number}`, `tag-${row % 50}`]),
    code: column(new Utf8(), (row) => `doc/${row.toString(36)}/v${row % 7}`),
    body: column(new Utf8(), (row) => `${WORDS[row % 10]} ${WORDS[(row * 7 + 3) % 10]} of batch${number} no${row}`),
    vector: column(new FixedSizeList(DIMENSIONS, new Field('item', new Float32(), true)), (row) =>
      vectorOf(number, row),
    ),
  });
}

/** Whether the index alone finds a row of the batch: rows that it does not cover are left out. */
export async function finds({ ask, selects = [] }: Question, table: Table, batch: Batch): Promise<boolean> {
  const [row]: Found[] = await ask(table, batch)
    .fastSearch()
    .select(['id', ...selects])
    .limit(1)
    .toArray();
  return row !== undefined && Number(row.id) >= batch.from && Number(row.id) < batch.from + batch.rows;
}

/** Whether LanceDB answers from the index, and searches nothing beside it. */
export async function usesIndex({ ask, plan, selects = [] }: Question, table: Table, batch: Batch): Promise<boolean> {
  const text = await ask(table, batch)
    .select(['id', ...selects])
    .limit(1)
    .explainPlan(true);
  return text.includes(plan.index) && !(plan.beside && text.includes(plan.beside));
}
