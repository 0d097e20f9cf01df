/** One table after another under a segmentd that is killed repeatedly, and everything that must hold after each kill. */
import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connection, Table } from '@lancedb/lancedb';
import { connect } from '@lancedb/lancedb';
import { expect } from 'vitest';
import type { Manifest } from '../../../src/lance/codec/manifest.ts';
import { findOrphans, removeOrphans } from '../../../src/lance/commit/orphans.ts';
import { findMissingFiles } from '../../../src/lance/commit/upload.ts';
import { verifyTable } from '../../../src/lance/inspect/verify-table.ts';
import { maintainedIndexes } from '../../../src/lance/plan/index-plan.ts';
import { DEFAULT_POLICY } from '../../../src/lance/plan/row-ids.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { errnoOf } from '../../../src/lib/errors.ts';
import { memoryFolder } from '../../../src/lib/memory-folder.ts';
import { planMerges } from '../../../src/merge/merge-plan.ts';
import type { MergeSettings } from '../../../src/merge/policy/tiered.ts';
import { planAhead } from '../../../src/merge/policy/tiered.ts';
import { openStore } from '../../../src/store/open-store.ts';
import type { KindColumn } from '../../../testing/kind-rows.ts';
import { answerOf, KIND_COLUMNS, kindRows, MIN_ROWS } from '../../../testing/kind-rows.ts';
import { kindUnderTest } from '../../../testing/kinds.ts';
import { index } from '../../../testing/lance-table.ts';
import { until } from '../e2e/world.ts';
import { checkNotShrunk, coveredOf } from '../model/merge-checks.ts';

const FIRST_ROWS = 50;
const APPENDED_ROWS = 6;

/** Two segments of a size make a merge due: those of two appends always do. */
const MERGE: MergeSettings = { floorRows: 1, factor: 2, maxFactor: 64, maxSegmentRows: 1_000_000, maxSegments: 20 };
export const MERGE_OPTIONS = {
  floor_rows: MERGE.floorRows,
  factor: MERGE.factor,
  max_factor: MERGE.maxFactor,
  max_segment_rows: MERGE.maxSegmentRows,
  max_segments: MERGE.maxSegments,
};

const UUID = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}';

/** Names of staging files that Lance's cleanup knows, by folder: in `_transactions` it takes nothing but `.txn`. */
const STAGED = {
  _versions: new RegExp(`^\\.tmp_${UUID}(\\.json)?$`),
  _transactions: new RegExp(`^\\.tmp_${UUID}\\.txn$`),
};
const STAGING_FOLDERS = ['_versions', '_transactions'] as const;

/** Lance's cleanup takes staging files that are older than seven days, whatever its other arguments. */
const EIGHT_DAYS_MS = 8 * 24 * 3600 * 1000;

/** What one append brought, and the event that announces it. */
export type Append = { readonly table: string; readonly fragments: readonly number[]; readonly event: string };

type WorldOptions = {
  /** Of an object store. */
  readonly storageOptions: Record<string, string>;
  /** Whether tables have stable row ids, and segments of row addresses. */
  readonly stableRowIds: boolean;
};

export class KillWorld {
  /** A folder or the URI of an object store. */
  readonly database: string;
  /** Names of the scratch folders of all processes so far. */
  readonly #scratches = new Set<string>();
  readonly #storageOptions: Record<string, string>;
  readonly #connection: Connection;
  /** Whether its tables have stable row ids, and segments of row addresses. */
  readonly #stable: boolean;
  #number = 0;
  #table: Table | undefined;
  #rows = 0;
  /** The table before anything was appended. */
  #first: Manifest | undefined;
  /** The last version of the table whose making was checked. */
  #checked: Manifest | undefined;
  #merges = 0;
  #mergesWithBatch = 0;

  private constructor(database: string, connection: Connection, { storageOptions, stableRowIds }: WorldOptions) {
    this.database = database;
    this.#storageOptions = storageOptions;
    this.#connection = connection;
    this.#stable = stableRowIds;
  }

  static async open(database: string, options: Partial<WorldOptions> = {}): Promise<KillWorld> {
    const { storageOptions = {}, stableRowIds = false } = options;
    const ofTables = { ...storageOptions, new_table_enable_stable_row_ids: String(stableRowIds) };
    const connection = await connect(database, { storageOptions: ofTables });
    return new KillWorld(database, connection, { storageOptions, stableRowIds });
  }

  /** Merges that landed, of all tables. */
  get merges(): number {
    return this.#merges;
  }

  /** Those of them that landed in the version of a batch. */
  get mergesWithBatch(): number {
    return this.#mergesWithBatch;
  }

  get #name(): string {
    return `people-${this.#number}`;
  }

  /** With an index. On stable row ids segmentd keeps BTREEs alone. */
  get #columns(): readonly KindColumn[] {
    return this.#stable ? KIND_COLUMNS.filter(({ kind }) => kind === 'btree') : KIND_COLUMNS;
  }

  get #lance(): LanceTable {
    return new LanceTable(openStore(`${this.database}/${this.#name}.lance`, this.#storageOptions));
  }

  close(): void {
    this.#table?.close();
    this.#connection.close();
  }

  /** Goes on with a fresh table, so that none grows old. */
  async nextTable(): Promise<void> {
    this.#table?.close();
    this.#number += 1;
    this.#table = await this.#connection.createTable(this.#name, kindRows(0, FIRST_ROWS));
    await this.#createIndexes(this.#table);
    this.#rows = FIRST_ROWS;
    this.#first = await this.#manifest();
    this.#checked = this.#first;
  }

  /** Segments of row addresses are segmentd's own: the Lance of LanceDB makes none. */
  async #createIndexes(table: Table): Promise<void> {
    const columns = this.#columns;
    if (this.#stable) await index(this.#lance.uri, { wanted: columns, stableRowIds: 'addresses' });
    else
      for (const { column, kind } of columns) await table.createIndex(column, { config: kindUnderTest(kind).make() });
  }

  async append(): Promise<Append> {
    const table = this.#table as Table;
    const before = new Set((await this.#manifest()).fragments.ids);
    await table.add(kindRows(this.#rows, APPENDED_ROWS));
    this.#rows += APPENDED_ROWS;
    const fragments = [...(await this.#manifest()).fragments.ids].filter((id) => !before.has(id));
    const event = JSON.stringify({ table: `db/${this.#name}`, version: await table.version(), rows: APPENDED_ROWS });
    return { table: this.#name, fragments, event };
  }

  /** Whether every index of the table covers all of it. */
  async isCovered(): Promise<boolean> {
    return maintainedIndexes(await this.#manifest(), 'existing', MIN_ROWS).every(
      ({ coverage }) => coverage.missing.length === 0,
    );
  }

  /** Whether nothing is left to be merged. */
  async isMerged(): Promise<boolean> {
    const rule = (segments: Parameters<typeof planAhead>[0]) => planAhead(segments, MERGE);
    return planMerges(await this.#manifest(), { ...DEFAULT_POLICY, minRows: MIN_ROWS }, rule).pending === 0;
  }

  /** The state after a kill: the table opens, answers right, and nothing acknowledged is missing. */
  async checkRuin(acknowledged: readonly Append[]): Promise<void> {
    const manifest = await this.#checkTable();
    const mine = acknowledged.filter(({ table }) => table === this.#name).flatMap(({ fragments }) => fragments);
    for (const { name, coverage } of maintainedIndexes(manifest, 'existing', MIN_ROWS)) {
      const missing = [...coverage.missing];
      expect(
        mine.filter((id) => missing.includes(id)),
        `${name} misses what was acknowledged`,
      ).toEqual([]);
    }
  }

  /** Neither a file on disk nor a view in memory is left of what was built, nor anything of the processes before. */
  async #checkScratch(scratch: string, own: string): Promise<void> {
    // The living daemon deletes beside this: a folder that went while the tree was read is one more reason to look again.
    const hasFiles = async () => {
      try {
        const entries = await readdir(join(scratch, own), { recursive: true, withFileTypes: true });
        return entries.some((it) => it.isFile());
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw error;
        return true;
      }
    };
    await until('no scratch', async () => !(await hasFiles()));
    const memory = memoryFolder();
    if (memory === null) throw new Error('this machine has no memory for views');
    await until('no views', async () => (await readdir(join(memory, own))).length === 0);
    const dead = [...this.#scratches].filter((name) => name !== own);
    expect(
      (await readdir(memory)).filter((name) => dead.includes(name)),
      'views of dead processes',
    ).toEqual([]);
    this.#scratches.add(own);
  }

  /** After the next start has caught up: everything is covered, once, and only what Lance collects is left behind. */
  async checkRecovered(scratch: string): Promise<void> {
    expect(await this.isCovered()).toBe(true);
    await this.#checkTable();
    // LanceDB's own answers are by a scan there.
    if (this.#stable) expect((await verifyTable(this.#lance, 3)).findings).toEqual([]);
    const [own, ...others] = await readdir(scratch);
    expect(others, 'scratch folders of dead processes').toEqual([]);
    // The files of a merge go when its version is already there.
    if (own !== undefined) await this.#checkScratch(scratch, own);
    for (const folder of STAGING_FOLDERS) {
      const names = (await this.#lance.store.list(folder)).map(({ name }) => name);
      for (const name of names.filter((it) => it.startsWith('.'))) expect(name).toMatch(STAGED[folder]);
    }
  }

  /** What deaths have left in the table goes with a cleanup of LanceDB, and nothing else does; of each second table segmentd takes it first. */
  async checkCleanup(): Promise<{ folders: number; staged: number }> {
    const before = await this.#leftovers();
    if (this.#number % 2 === 0) await this.#checkOwnCleanup(before.folders);
    const longAgo = new Date(Date.now() - EIGHT_DAYS_MS);
    const staged = this.#number % 2 === 0 ? (await this.#leftovers()).staged : before.staged;
    // On disk alone: an object store has none.
    for (const path of staged) await utimes(join(this.#lance.uri, path), longAgo, longAgo);
    const table = this.#table as Table;
    await table.checkoutLatest();
    await table.optimize({ cleanupOlderThan: new Date(0), deleteUnverified: true });
    this.#checked = await this.#manifest();
    expect(await this.#leftovers()).toEqual({ folders: [], staged: [] });
    await this.#checkTable();
    return { folders: before.folders.length, staged: before.staged.length };
  }

  async #checkOwnCleanup(folders: readonly string[]): Promise<void> {
    const table = this.#lance;
    const sizes = folders.map(async (uuid) => ({ uuid, files: await table.store.list(`_indices/${uuid}`) }));
    const filled = (await Promise.all(sizes)).filter(({ files }) => files.length > 0).map(({ uuid }) => uuid);
    const orphans = await findOrphans(table, Date.now() + EIGHT_DAYS_MS);
    expect([...orphans.segments].sort()).toEqual(filled.sort());
    await removeOrphans(table, orphans);
    const after = await this.#leftovers();
    expect(after.staged.filter((path) => path.startsWith('_versions'))).toEqual([]);
    expect(after.folders.filter((uuid) => filled.includes(uuid))).toEqual([]);
    await this.#checkTable();
  }

  #manifest(): Promise<Manifest> {
    return this.#lance.latest();
  }

  /** Segments that no version names, and staging files. */
  async #leftovers(): Promise<{ folders: string[]; staged: string[] }> {
    const table = this.#lance;
    const { version } = await table.latest();
    const named = new Set<string>();
    for (let at = version; at > 0; at--) for (const { uuid } of (await table.at(at))?.indexes ?? []) named.add(uuid);
    const folders = ((await table.store.folders('_indices')) ?? []).filter((uuid) => !named.has(uuid));
    const staged: string[] = [];
    for (const folder of STAGING_FOLDERS) {
      const names = (await table.store.list(folder)).map(({ name }) => name);
      staged.push(...names.filter((name) => name.startsWith('.tmp_')).map((name) => `${folder}/${name}`));
    }
    return { folders, staged };
  }

  async #checkTable(): Promise<Manifest> {
    const manifest = await this.#manifest();
    const seen = new Set<string>();
    for (const { name, uuid, fragments, indexVersion } of manifest.indexes) {
      const first = this.#first?.indexes.find((index) => index.name === name);
      expect(indexVersion, `index version of ${uuid}`).toBe(this.#stable ? 1 : first?.indexVersion);
      for (const id of fragments ?? []) {
        expect(seen.has(`${name} ${id}`), `fragment ${id} of ${name} is covered twice`).toBe(false);
        seen.add(`${name} ${id}`);
      }
    }
    expect(await findMissingFiles(this.#lance.store, manifest.indexes, manifest.basePaths)).toEqual([]);
    await this.#checkAnswers(manifest.version);
    await this.#checkHistory(manifest.version);
    return manifest;
  }

  /** Each version since the last look: nothing left the index, and a merge replaced all of its inputs or is not there. */
  async #checkHistory(version: number): Promise<void> {
    const table = this.#lance;
    for (let at = (this.#checked?.version ?? version) + 1; at <= version; at++) {
      const [before, after] = [this.#checked as Manifest, (await table.at(at)) as Manifest];
      checkNotShrunk(before, after, `version ${at}`);
      const inputs = Number(after.transaction?.properties.get('segmentd.merged') ?? 0);
      const left = before.indexes.filter(({ uuid }) => after.indexes.every((index) => index.uuid !== uuid));
      expect(left.length, `segments that version ${at} replaced`).toBe(inputs);
      if (inputs > 0) this.#merges += 1;
      if (inputs > 0 && coveredOf(after).size > coveredOf(before).size) this.#mergesWithBatch += 1;
      this.#checked = after;
    }
  }

  async #checkAnswers(version: number): Promise<void> {
    const connection = await connect(this.database, { storageOptions: this.#storageOptions });
    const table = await connection.openTable(this.#name);
    try {
      // A merge that was left to a batch lands alone when none comes.
      expect(await table.version()).toBeGreaterThanOrEqual(version);
      const names = (await table.listIndices()).map(({ name }) => name);
      expect(new Set(names)).toEqual(new Set(this.#stable ? [] : this.#columns.map(({ column }) => `${column}_idx`)));
      expect(await table.countRows()).toBe(this.#rows);
      for (const id of [0, this.#rows - APPENDED_ROWS - 1, this.#rows - APPENDED_ROWS, this.#rows - 1, this.#rows]) {
        const expected = id < this.#rows ? [id] : [];
        for (const column of this.#columns.filter(({ kind }) => kind === 'btree')) {
          const { asked, indexed } = await answerOf(table, column, id);
          expect(indexed, asked).toEqual(expected);
        }
      }
      for (const column of this.#columns.filter(({ kind }) => kind !== 'btree')) {
        const { asked, indexed, scanned } = await answerOf(table, column, this.#rows - 1);
        expect(indexed, asked).toEqual(scanned);
      }
    } finally {
      table.close();
      connection.close();
    }
  }
}
