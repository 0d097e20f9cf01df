/** Tables for each kind of index, and lookups in them that the kind answers. Rows are a function of their number. */
import type { Table } from '@lancedb/lancedb';
import type { Vector } from 'apache-arrow';
import { Table as ArrowTable, Field, List, makeVector, Utf8, vectorFromArray } from 'apache-arrow';
import type { KindName } from '../../src/lib/index-kinds.ts';

export const COLUMN = 'v';

/** Rows that one lookup finds. */
export type Lookup = (table: Table) => Promise<number>;

export type KindTable = {
  /** What the index is over, for the page of figures. */
  readonly what: string;
  /** The values of the rows `from` to `from + count - 1`. */
  values(from: number, count: number): Vector;
  /** Lookups by name; each is drawn with `random`, so that the same one can be asked of several tables. */
  readonly lookups: Readonly<Record<string, (random: () => number) => Lookup>>;
};

/** Values of a row look like those of a hash: any fragment may hold any of them. */
const hash = (row: number, salt = 0) => Math.imul((row + 1) ^ Math.imul(salt + 1, 0x9e3779b1), 0x85ebca6b) >>> 0;
/** A few words are in most rows and most words in few, as in a text. */
const wordOf = (number: number) => `w${Math.floor(VOCABULARY ** (number / 2 ** 32)).toString(36)}`;
const VOCABULARY = 50_000;
const WORDS = 20;
const VALUES = 1_000;
const LABELS = 200;

const numbers = (from: number, count: number) => Array.from({ length: count }, (_, at) => from + at);
const draw = (random: () => number, below: number) => Math.floor(random() * below);
const where =
  (filter: string): Lookup =>
  async (table) =>
    (await table.query().fastSearch().where(filter).select([COLUMN]).toArrow()).numRows;

const TEXTS = (row: number) => numbers(0, WORDS).map((at) => wordOf(hash(row, at)));
const matching =
  (query: string): Lookup =>
  async (table) =>
    (await table.search(query, 'fts', COLUMN).fastSearch().select(['_score']).limit(10).toArrow()).numRows;

const words = (from: number, count: number) =>
  vectorFromArray(
    numbers(from, count).map((row) => TEXTS(row).join(' ')),
    new Utf8(),
  );

export const KIND_TABLES: Readonly<Partial<Record<KindName, KindTable>>> = {
  btree: {
    what: 'integers in no order',
    values: (from, count) => makeVector(BigInt64Array.from(numbers(from, count), (row) => BigInt(hash(row)))),
    lookups: {
      '=': (random) => where(`${COLUMN} = ${hash(draw(random, 20_000))}`),
      'IN of 10': (random) => where(`${COLUMN} IN (${numbers(0, 10).map(() => hash(draw(random, 20_000)))})`),
    },
  },
  bitmap: {
    what: `${VALUES} values`,
    values: (from, count) =>
      vectorFromArray(
        numbers(from, count).map((row) => `n${hash(row) % VALUES}`),
        new Utf8(),
      ),
    lookups: {
      '=': (random) => where(`${COLUMN} = 'n${draw(random, VALUES)}'`),
      'IN of 10': (random) => where(`${COLUMN} IN (${numbers(0, 10).map(() => `'n${draw(random, VALUES)}'`)})`),
    },
  },
  label_list: {
    what: `3 of ${LABELS} labels`,
    values: (from, count) =>
      vectorFromArray(
        numbers(from, count).map((row) => [0, 1, 2].map((at) => `l${hash(row, at) % LABELS}`)),
        new List(new Field('item', new Utf8(), true)),
      ),
    lookups: {
      array_has: (random) => where(`array_has(${COLUMN}, 'l${draw(random, LABELS)}')`),
      'array_has_all of 2': (random) =>
        where(`array_has_all(${COLUMN}, ['l${draw(random, LABELS)}', 'l${draw(random, LABELS)}'])`),
    },
  },
  fm: {
    what: 'about 35 bytes of text',
    values: (from, count) =>
      vectorFromArray(
        numbers(from, count).map((row) => `user ${hash(row).toString(36)} of ${TEXTS(row).slice(0, 6).join(' ')}`),
        new Utf8(),
      ),
    lookups: {
      'contains, few hits': (random) => where(`contains(${COLUMN}, '${hash(draw(random, 20_000)).toString(36)}')`),
      'contains, more hits': (random) =>
        where(`contains(${COLUMN}, 'user ${hash(draw(random, 20_000)).toString(36).slice(0, 2)}')`),
    },
  },
  fts: {
    what: `${WORDS} words of ${VOCABULARY.toLocaleString('en-US')}`,
    values: words,
    lookups: {
      'one word': (random) => matching(wordOf(draw(random, 2 ** 32))),
      'three words': (random) =>
        matching(
          numbers(0, 3)
            .map(() => wordOf(draw(random, 2 ** 32)))
            .join(' '),
        ),
    },
  },
};

export const kindBatch = ({ values }: KindTable, from: number, count: number): ArrowTable =>
  new ArrowTable({ [COLUMN]: values(from, count) });
