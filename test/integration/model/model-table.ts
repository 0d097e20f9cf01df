/** A real table, written by an engine, and beside it what must be in it: rows and index names of every version. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { StableRowIds } from '../../../src/lance/plan/row-ids.ts';
import { MIN_ROWS } from '../../../testing/kind-rows.ts';
import { index } from '../../../testing/lance-table.ts';
import type { Indexes, ModelIndex } from './model-indexes.ts';
import type { Row, Rows } from './model-rows.ts';
import { freshRow, updated, updateOf, upserted } from './model-rows.ts';
import type { Step } from './steps.ts';
import type { OpenEngine, TableEngine } from './table-engine.ts';
import { NAME } from './table-engine.ts';

type State = { readonly rows: Rows; readonly indexes: ReadonlySet<string> };

/** Steps of the table's users, done with the engine alone. */
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
  /** That it may have. */
  readonly drawn: Indexes;
  readonly #open: OpenEngine;
  readonly #engine: TableEngine;

  private constructor(database: string, drawn: Indexes, open: OpenEngine, engine: TableEngine) {
    this.database = database;
    this.drawn = drawn;
    this.#open = open;
    this.#engine = engine;
  }

  /** Readers of it. */
  get reader(): Pick<TableEngine, 'ask' | 'rows' | 'stats'> {
    return this.#engine;
  }
  get stableRowIds(): StableRowIds {
    return this.#engine.stableRowIds;
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

  /** Five fragments: the first two indexed by the engine, the next two by segmentd in a segment each, the last not at all. */
  static async create(database: string, drawn: Indexes, open: OpenEngine): Promise<ModelTable> {
    const model = new ModelTable(database, drawn, open, await open(database));
    await model.#engine.recreate(model.#put([freshRow(0)]));
    model.#nextKey = 1;
    await model.do({ do: 'append', rows: 14 });
    for (const index of [0, 1] as const) await model.do({ do: 'create-index', index });
    for (const rows of [3, 5]) {
      await model.do({ do: 'append', rows });
      await index(model.folder, { stableRowIds: model.stableRowIds, minRows: MIN_ROWS });
      await model.remember();
    }
    await model.do({ do: 'append', rows: 10 });
    return model;
  }

  /** The same table in a copy of its folder. */
  async inCopy(database: string): Promise<ModelTable> {
    const copy = new ModelTable(database, this.drawn, this.#open, await this.#open(database));
    copy.#state = this.#state;
    copy.#states = new Map(this.#states);
    copy.#nextKey = this.#nextKey;
    copy.notable = [...this.notable];
    return copy;
  }

  close(): void {
    this.#engine.close();
  }

  async do(step: UserStep): Promise<void> {
    await this.#perform(step);
    await this.remember();
  }

  /** A version has appeared: this is what it holds. */
  async remember(): Promise<void> {
    this.#states.set(await this.#engine.version(), this.#state);
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
    const engine = this.#engine;
    switch (step.do) {
      case 'append':
        return engine.add(this.#put(this.#fresh(step.rows)));
      case 'delete':
        return this.#delete(step);
      case 'update':
        return this.#update(step);
      case 'upsert':
        return this.#upsert(step);
      case 'compact':
        return engine.optimize();
      case 'cleanup':
        await engine.optimize('old versions');
        this.takenAway += 1;
        return;
      case 'purge':
        return engine.optimize('files that no version names');
      case 'create-index':
        // No centroid comes of no vectors.
        if (this.rows.size === 0 && this.drawn[step.index].column === 'spot') return;
        await engine.createIndex(this.drawn[step.index]);
        return this.addIndex(this.drawn[step.index].name);
      case 'drop-index':
        return this.#dropIndex(this.drawn[step.index]);
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
    await this.#engine.delete(`${by} >= ${low} AND ${by} < ${high}`);
    const left = new Map(this.rows);
    for (const { key } of gone) left.delete(key);
    this.#state = { ...this.#state, rows: left };
    this.#note(gone[0], gone.at(-1));
  }

  async #update({ from, span, index }: Extract<Step, { do: 'update' }>): Promise<void> {
    const { where, rows } = this.#range(from, span);
    if (rows.length === 0) return;
    const { column } = this.drawn[index];
    const changed = rows.map((row) => updated(row, column, from));
    if (column === 'spot') await this.#engine.upsert(changed);
    else await this.#engine.update(where, { [column]: updateOf(column, from) });
    this.#note(rows[0]);
    this.#put(changed);
  }

  async #upsert({ from, span, rows: count }: Extract<Step, { do: 'upsert' }>): Promise<void> {
    const changed = this.#range(from, span).rows.map(upserted);
    const rows = [...changed, ...this.#fresh(count)];
    await this.#engine.upsert(rows);
    this.#note(changed[0] && this.rows.get(changed[0].key));
    this.#put(rows);
  }

  async #dropIndex({ name }: ModelIndex): Promise<void> {
    if (!this.indexes.has(name)) return;
    await this.#engine.dropIndex(name);
    this.#state = { ...this.#state, indexes: new Set([...this.indexes].filter((it) => it !== name)) };
  }

  async #restore(back: number): Promise<void> {
    const versions = (await this.versions()).filter((version) => this.#states.has(version));
    const version = versions[Math.max(0, versions.length - 1 - back)];
    if (version === undefined) return;
    await this.#engine.restore(version);
    const before = this.#state;
    this.#state = this.#states.get(version) as State;
    this.#note([...before.rows.values()].at(-1), [...this.rows.values()].at(-1));
  }

  async #overwrite({ rows: count, how }: Extract<Step, { do: 'overwrite' }>): Promise<void> {
    this.#state = { rows: new Map(), indexes: new Set() };
    await this.#engine.overwrite(this.#put(this.#fresh(count)), how);
  }

  async #recreate({ rows: count, ahead }: Extract<Step, { do: 'recreate' }>): Promise<void> {
    this.takenAway += 1;
    const reached = (await this.#engine.version()) + ahead;
    this.#states.clear();
    this.#state = { rows: new Map(), indexes: new Set() };
    await this.#engine.recreate(this.#put(this.#fresh(count)));
    await this.remember();
    for (const index of [0, 1] as const) await this.do({ do: 'create-index', index });
    while ((await this.#engine.version()) < reached) await this.do({ do: 'append', rows: count });
  }
}
