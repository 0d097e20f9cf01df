/** Who writes and reads the model's table: LanceDB, or pylance with stable row ids. */
import { join } from 'node:path';
import type { Connection, Query, Table, VectorQuery } from '@lancedb/lancedb';
import { connect, MatchQuery } from '@lancedb/lancedb';
import type { StableRowIds } from '../../../src/lance/plan/row-ids.ts';
import { kindUnderTest } from '../../../testing/kinds.ts';
import type { Worker } from '../../interop/worker.ts';
import type { ModelIndex } from './model-indexes.ts';
import type { Probe, Row, Spot } from './model-rows.ts';
import { toArrow } from './model-rows.ts';

export const NAME = 't';

/** A search wants a limit. */
const MOST_HITS = 10_000;

/** What a reader finds that has never seen the table. */
export type Seen = {
  readonly version: number;
  readonly indexes: readonly string[];
  /** Keys by filter, rising. */
  readonly answers: readonly (readonly number[])[];
  /** Whether an index takes part, by filter. */
  readonly plans: readonly boolean[];
};

/** A filter, a full-text search, or one for neighbours. */
export type Asked = Pick<Probe, 'where' | 'search' | 'near'>;

/** Everything is done on the latest version. */
export type TableEngine = {
  /** What segmentd is told about the table. */
  readonly stableRowIds: StableRowIds;
  version(): Promise<number>;
  add(rows: readonly Row[]): Promise<void>;
  delete(where: string): Promise<void>;
  /** `values` are SQL. */
  update(where: string, values: Readonly<Record<string, string>>): Promise<void>;
  upsert(rows: readonly Row[]): Promise<void>;
  /** Compacts, and indexes what is missing. */
  optimize(cleanup?: 'old versions' | 'files that no version names'): Promise<void>;
  createIndex(index: ModelIndex): Promise<void>;
  dropIndex(name: string): Promise<void>;
  restore(version: number): Promise<void>;
  overwrite(rows: readonly Row[], how: 'create' | 'add'): Promise<void>;
  /** Drops the table, if there is one, and makes it anew. */
  recreate(rows: readonly Row[]): Promise<void>;
  ask(questions: readonly Asked[], indexOnly?: boolean): Promise<Seen>;
  rows(): Promise<Row[]>;
  stats(index: string): Promise<{ readonly indexed: number; readonly unindexed: number } | undefined>;
  close(): void;
};

/** Opens the table of a database folder; there may be none yet. */
export type OpenEngine = (database: string) => Promise<TableEngine>;

export const openLanceDb: OpenEngine = async (database) => {
  const connection = await connect(database);
  const exists = (await connection.tableNames()).includes(NAME);
  let opened: Table | undefined = exists ? await connection.openTable(NAME) : undefined;
  const latest = async () => {
    await opened?.checkoutLatest();
    return opened as Table;
  };
  const reopen = async (open: () => Promise<Table>) => {
    opened?.close();
    opened = await open();
  };
  return {
    stableRowIds: 'decline',
    version: async () => (await latest()).version(),
    add: async (rows) => void (await (await latest()).add(toArrow(rows))),
    delete: async (where) => void (await (await latest()).delete(where)),
    update: async (where, valuesSql) => void (await (await latest()).update({ where, valuesSql })),
    async upsert(rows) {
      const table = await latest();
      await table.mergeInsert('key').whenMatchedUpdateAll().whenNotMatchedInsertAll().execute(toArrow(rows));
    },
    optimize: async (cleanup) => void (await (await latest()).optimize(CLEANUPS[cleanup ?? 'none']())),
    createIndex: async ({ column, kind, name }) =>
      (await latest()).createIndex(column, { config: kindUnderTest(kind).make(), replace: true, name }),
    dropIndex: async (name) => (await latest()).dropIndex(name),
    async restore(version) {
      const table = await latest();
      await table.checkout(version);
      await table.restore();
    },
    async overwrite(rows, how) {
      if (how === 'add') await (await latest()).add(toArrow(rows), { mode: 'overwrite' });
      else await reopen(() => connection.createTable(NAME, toArrow(rows), { mode: 'overwrite' }));
    },
    async recreate(rows) {
      if (opened) await connection.dropTable(NAME);
      await reopen(() => connection.createTable(NAME, toArrow(rows)));
    },
    ask: (questions, indexOnly = false) => withFreshTable(database, (table) => seenBy(table, questions, indexOnly)),
    rows: () =>
      withFreshTable(database, async (table) => {
        const columns = ['key', 'id', 'name', 'tags', 'spot'];
        const rows = (await table.query().select(columns).toArray()) as Record<keyof Row, unknown>[];
        return rows.map(({ key, id, name, tags, spot }) => ({
          key: Number(key),
          id: id === null ? null : Number(id),
          name: name as string | null,
          tags: tags === null ? null : Array.from(tags as Iterable<string>),
          spot: Array.from(spot as Iterable<number>) as unknown as Spot,
        }));
      }),
    stats: (name) =>
      withFreshTable(database, async (table) => {
        const stats = await table.indexStats(name);
        return stats && { indexed: stats.numIndexedRows, unindexed: stats.numUnindexedRows };
      }),
    close() {
      opened?.close();
      connection.close();
    },
  };
};

const CLEANUPS = {
  none: () => ({}),
  'old versions': () => ({ cleanupOlderThan: new Date() }),
  'files that no version names': () => ({ cleanupOlderThan: new Date(0), deleteUnverified: true }),
};

async function withFreshTable<T>(database: string, use: (table: Table) => Promise<T>): Promise<T> {
  const connection: Connection = await connect(database);
  const table = await connection.openTable(NAME);
  try {
    return await use(table);
  } finally {
    table.close();
    connection.close();
  }
}

const USES_INDEX = /ScalarIndexQuery| MatchQuery|ANNSubIndex/;

function queryOf(table: Table, { where, search, near }: Asked): Query | VectorQuery {
  if (search) return table.query().fullTextSearch(new MatchQuery(search.word, search.column)).limit(MOST_HITS);
  if (!near) return table.query().where(where);
  return table
    .query()
    .nearestTo([...near.vector])
    .column(near.column)
    .nprobes(MOST_HITS)
    .limit(near.limit);
}

async function seenBy(table: Table, questions: readonly Asked[], indexOnly: boolean): Promise<Seen> {
  const answers: number[][] = [];
  const plans: boolean[] = [];
  for (const question of questions) {
    const query = queryOf(table, question).select(['key']);
    const rows = (await (indexOnly ? query.fastSearch() : query).toArray()) as { key: number }[];
    answers.push(rows.map(({ key }) => Number(key)).sort((a, b) => a - b));
    if (indexOnly) plans.push(USES_INDEX.test(await queryOf(table, question).explainPlan(true)));
  }
  const indexes = (await table.listIndices()).map(({ name }) => name);
  return { version: await table.version(), indexes, answers, plans };
}

type Plain = readonly [number, number | null, string | null, readonly string[] | null, Spot];
const plain = (rows: readonly Row[]) => rows.map(({ key, id, name, tags, spot }): Plain => [key, id, name, tags, spot]);

/**
 * pylance, whose answers have to be LanceDB's too. With stable row ids, of 14 or newer, segments record row addresses, and LanceDB's Lance
 * scans.
 */
export function openPylance(worker: Worker, stable: boolean): OpenEngine {
  return async (database) => {
    const uri = join(database, `${NAME}.lance`);
    const ask = <T>(action: string, args = {}) => worker.ask<T>(action, { uri, ...args });
    const days = { none: null, 'old versions': 0, 'files that no version names': 10_000 };
    return {
      stableRowIds: stable ? 'addresses' : 'decline',
      version: () => ask('model_version'),
      add: (rows) => ask('model_write', { rows: plain(rows), mode: 'append', stable }),
      delete: (where) => ask('delete', { where }),
      update: async (where, values) => void (await ask('update', { where, values })),
      upsert: (rows) => ask('model_upsert', { rows: plain(rows) }),
      optimize: (cleanup) =>
        ask('model_optimize', {
          older_than_days: days[cleanup ?? 'none'],
          delete_unverified: cleanup === 'files that no version names',
        }),
      createIndex: ({ column, kind, name }) =>
        ask('model_create_index', { column, name, kind: kindUnderTest(kind).pylance }),
      dropIndex: (name) => ask('drop_index', { name }),
      restore: (version) => ask('restore', { version }),
      overwrite: (rows) => ask('model_write', { rows: plain(rows), mode: 'overwrite', stable }),
      async recreate(rows) {
        await ask('model_drop');
        await ask('model_write', { rows: plain(rows), mode: 'create', stable });
      },
      async ask(questions, indexOnly = false) {
        const seen = await ask<Seen>('model_ask', { questions, index_only: indexOnly });
        if (indexOnly) return seen;
        const { answers } = await withFreshTable(database, (table) => seenBy(table, questions, false));
        const other = questions.filter((_, at) => answers[at]?.join() !== seen.answers[at]?.join());
        if (other.length > 0)
          throw new Error(`LanceDB finds other rows than pylance for ${other.map(({ where }) => where)}`);
        return seen;
      },
      async rows() {
        return (await ask<Plain[]>('model_rows')).map(([key, id, name, tags, spot]) => ({ key, id, name, tags, spot }));
      },
      stats: (name) => ask('model_stats', { name }),
      close: () => undefined,
    };
  };
}
