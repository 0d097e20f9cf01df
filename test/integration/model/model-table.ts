/** A real table, written by LanceDB, and beside it what must be in it: rows and index names of every version. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connection, Table } from '@lancedb/lancedb';
import { connect, Index } from '@lancedb/lancedb';
import { index } from '../../../testing/lance-table.ts';
import type { Row, Rows } from './model-rows.ts';
import { COLUMNS, freshRow, toArrow } from './model-rows.ts';
import type { Step } from './steps.ts';

export const NAME = 't';
export const indexNameOf = (column: string) => `${column}_idx`;

type State = { readonly rows: Rows; readonly indexes: ReadonlySet<string> };

/** Steps of the table's users, done with LanceDB alone. */
export type UserStep = Exclude<Step, { do: 'work' | 'merge' | 'crash' | 'crash-merge' | 'land-late' }>;

/** Of the rows that steps touched, so many are asked for. */
const NOTABLE = 12;

export class ModelTable {
  readonly database: string;
  /** Rows worth asking for: first, fresh, as they were before an update or a deletion, and as they are after. */
  notable: Row[] = [];
  /** How often files of old versions were taken away, so that a build may find them gone. */
  takenAway = 0;
  #state: State = { rows: new Map(), indexes: new Set() };
  #states = new Map<number, State>();
  #nextKey = 0;
  #connection: Connection;
  #table: Table;

  private constructor(database: string, connection: Connection, table: Table) {
    this.database = database;
    this.#connection = connection;
    this.#table = table;
  }

  get folder(): string {
    return join(this.database, `${NAME}.lance`);
  }
  get rows(): Rows {
    return this.#state.rows;
  }
  get indexes(): ReadonlySet<string> {
    return this.#state.indexes;
  }

  /** Five fragments: the first two indexed by LanceDB, the next two by segmentd in a segment each, the last not at all. */
  static async create(database: string): Promise<ModelTable> {
    const connection = await connect(database);
    const model = new ModelTable(database, connection, await connection.createTable(NAME, toArrow([freshRow(0)])));
    model.#put([freshRow(0)]);
    model.#nextKey = 1;
    await model.do({ do: 'append', rows: 14 });
    for (const column of COLUMNS) await model.do({ do: 'create-index', column });
    for (const rows of [3, 5]) {
      await model.do({ do: 'append', rows });
      await index(model.folder);
      await model.remember();
    }
    await model.do({ do: 'append', rows: 10 });
    return model;
  }

  /** The same table in a copy of its folder. */
  async inCopy(database: string): Promise<ModelTable> {
    const connection = await connect(database);
    const copy = new ModelTable(database, connection, await connection.openTable(NAME));
    copy.#state = this.#state;
    copy.#states = new Map(this.#states);
    copy.#nextKey = this.#nextKey;
    copy.notable = [...this.notable];
    return copy;
  }

  close(): void {
    this.#table.close();
    this.#connection.close();
  }

  async do(step: UserStep): Promise<void> {
    await this.#table.checkoutLatest();
    await this.#perform(step);
    await this.remember();
  }

  /** A version has appeared: this is what it holds. */
  async remember(): Promise<void> {
    await this.#table.checkoutLatest();
    this.#states.set(await this.#table.version(), this.#state);
  }

  /** segmentd has created an index. */
  addIndex(name: string): void {
    this.#state = { ...this.#state, indexes: new Set([...this.#state.indexes, name]) };
  }

  /** Versions that are there, rising. */
  async versions(): Promise<number[]> {
    const names = await readdir(join(this.folder, '_versions'));
    const digits = names.flatMap((name) => /^(\d{20})\.manifest$/.exec(name)?.[1] ?? []);
    return digits.map((it) => Number(2n ** 64n - 1n - BigInt(it))).sort((a, b) => a - b);
  }

  async #perform(step: UserStep): Promise<void> {
    const table = this.#table;
    switch (step.do) {
      case 'append':
        await table.add(toArrow(this.#put(this.#fresh(step.rows))));
        return;
      case 'delete':
        return this.#delete(step);
      case 'update':
        return this.#update(step);
      case 'upsert':
        return this.#upsert(step);
      case 'compact':
        await table.optimize();
        return;
      case 'cleanup':
        await table.optimize({ cleanupOlderThan: new Date() });
        this.takenAway += 1;
        return;
      case 'purge':
        await table.optimize({ cleanupOlderThan: new Date(0), deleteUnverified: true });
        return;
      case 'create-index':
        await table.createIndex(step.column, { config: Index.btree(), replace: true });
        return this.addIndex(indexNameOf(step.column));
      case 'drop-index':
        return this.#dropIndex(indexNameOf(step.column));
      case 'restore':
        return this.#restore(step.back);
      case 'overwrite':
        return this.#overwrite(step);
      case 'recreate':
        return this.#recreate(step);
    }
  }

  #fresh(count: number): Row[] {
    const rows = Array.from({ length: count }, (_, at) => freshRow(this.#nextKey + at));
    this.#nextKey += count;
    return rows;
  }

  #put(rows: readonly Row[]): readonly Row[] {
    const all = new Map(this.rows);
    for (const row of rows) all.set(row.key, row);
    this.#state = { ...this.#state, rows: all };
    this.#note(rows[0], rows.at(-1));
    return rows;
  }

  #note(...rows: (Row | undefined)[]): void {
    this.notable = [...this.notable, ...rows.filter((row) => row !== undefined)].slice(-NOTABLE);
  }

  /** A run of keys that are in the table (some may be missing within). */
  #range(from: number, span: number): { where: string; rows: Row[]; low: number; high: number } {
    const keys = [...this.rows.keys()];
    const low = keys[from % Math.max(1, keys.length)] ?? 0;
    const high = low + span;
    const rows = [...this.rows.values()].filter(({ key }) => key >= low && key < high);
    return { where: `key >= ${low} AND key < ${high}`, rows, low, high };
  }

  async #delete({ from, span, by }: Extract<Step, { do: 'delete' }>): Promise<void> {
    const { rows, low, high } = this.#range(from, span);
    const gone =
      by === 'key' ? rows : [...this.rows.values()].filter(({ id }) => id !== null && id >= low && id < high);
    await this.#table.delete(`${by} >= ${low} AND ${by} < ${high}`);
    const left = new Map(this.rows);
    for (const { key } of gone) left.delete(key);
    this.#state = { ...this.#state, rows: left };
    this.#note(gone[0], gone.at(-1));
  }

  async #update({ from, span, column }: Extract<Step, { do: 'update' }>): Promise<void> {
    const { where, rows } = this.#range(from, span);
    if (rows.length === 0) return;
    const change =
      column === 'id' ? { sql: 'key + 1000000', of: (row: Row) => ({ ...row, id: row.key + 1_000_000 }) } : null;
    if (change) await this.#table.update({ where, valuesSql: { id: change.sql } });
    else await this.#table.update({ where, values: { name: `u${from}` } });
    this.#note(rows[0]);
    this.#put(rows.map((row) => change?.of(row) ?? { ...row, name: `u${from}` }));
  }

  async #upsert({ from, span, rows: count }: Extract<Step, { do: 'upsert' }>): Promise<void> {
    const changed = this.#range(from, span).rows.map((row) => ({ ...row, id: row.key + 2_000_000, name: 'upserted' }));
    const rows = [...changed, ...this.#fresh(count)];
    await this.#table.mergeInsert('key').whenMatchedUpdateAll().whenNotMatchedInsertAll().execute(toArrow(rows));
    this.#note(changed[0] && this.rows.get(changed[0].key));
    this.#put(rows);
  }

  async #dropIndex(name: string): Promise<void> {
    if (!this.indexes.has(name)) return;
    await this.#table.dropIndex(name);
    this.#state = { ...this.#state, indexes: new Set([...this.indexes].filter((it) => it !== name)) };
  }

  async #restore(back: number): Promise<void> {
    const versions = (await this.versions()).filter((version) => this.#states.has(version));
    const version = versions[Math.max(0, versions.length - 1 - back)];
    if (version === undefined) return;
    await this.#table.checkout(version);
    await this.#table.restore();
    const before = this.#state;
    this.#state = this.#states.get(version) as State;
    this.#note([...before.rows.values()].at(-1), [...this.rows.values()].at(-1));
  }

  async #overwrite({ rows: count, how }: Extract<Step, { do: 'overwrite' }>): Promise<void> {
    this.#state = { rows: new Map(), indexes: new Set() };
    const rows = this.#put(this.#fresh(count));
    if (how === 'add') {
      await this.#table.add(toArrow(rows), { mode: 'overwrite' });
      return;
    }
    await this.#reopen(() => this.#connection.createTable(NAME, toArrow(rows), { mode: 'overwrite' }));
  }

  async #recreate({ rows: count, ahead }: Extract<Step, { do: 'recreate' }>): Promise<void> {
    this.takenAway += 1;
    const reached = (await this.#table.version()) + ahead;
    this.#states.clear();
    this.#state = { rows: new Map(), indexes: new Set() };
    await this.#connection.dropTable(NAME);
    const rows = this.#put(this.#fresh(count));
    await this.#reopen(() => this.#connection.createTable(NAME, toArrow(rows)));
    await this.remember();
    for (const column of COLUMNS) await this.do({ do: 'create-index', column });
    while ((await this.#table.version()) < reached) await this.do({ do: 'append', rows: count });
  }

  async #reopen(open: () => Promise<Table>): Promise<void> {
    this.#table.close();
    this.#table = await open();
  }
}
