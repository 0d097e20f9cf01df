/** One table on disk, written by LanceDB or by pylance, and segmentd at work on it. */
import { randomUUID } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, Index } from '@lancedb/lancedb';
import { tableFromIPC } from 'apache-arrow';
import type { CatchUp } from '../../src/commands/tables/catch-up.ts';
import { catchUp } from '../../src/commands/tables/catch-up.ts';
import { encodeSegment } from '../../src/lance/codec/index-metadata.ts';
import { spliceManifest } from '../../src/lance/codec/manifest.ts';
import { encodeCreateIndex } from '../../src/lance/codec/transaction.ts';
import { lanceSegmentBuilder } from '../../src/lance/engine/segment-builder.ts';
import { verifyTable } from '../../src/lance/inspect/verify-table.ts';
import type { StableRowIds } from '../../src/lance/plan/row-ids.ts';
import { DEFAULT_POLICY } from '../../src/lance/plan/row-ids.ts';
import type { WantedIndexes } from '../../src/lance/plan/wanted-index.ts';
import type { SegmentBuilder } from '../../src/lance/segment.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { planMerges } from '../../src/merge/merge-plan.ts';
import type { MergeResult } from '../../src/merge/merge-table.ts';
import { mergeTable } from '../../src/merge/merge-table.ts';
import { planMergeTo } from '../../src/merge/policy/reduce-to.ts';
import { localStore } from '../../src/store/local-store.ts';
import type { Report } from './report.ts';
import { lanceDbDisagreements } from './report.ts';
import type { Args, Worker } from './worker.ts';

export type Maker = 'pylance' | 'LanceDB';
export type DataFormat = 'legacy' | '2.0' | '2.1' | '2.2';
export type Shape = {
  readonly maker: Maker;
  readonly dataFormat: DataFormat;
  readonly v2Names: boolean;
  /** Then the maker is pylance 14 or newer, whose segments record row addresses. */
  readonly stableRowIds?: true;
};

const TABLE = 'rows';
const WRITER = { library: 'segmentd', version: '0.0.0-interop' };
const COMMIT = { maxAttempts: 5, initialBackoffMs: 10, writer: WRITER };
export const PROPERTIES = { 'segmentd.command': 'interop' };

export class TableUnderTest {
  readonly uri: string;
  private readonly folder: string;
  private readonly worker: Worker;
  /** What is configured for it. */
  private stableRowIds: StableRowIds = 'decline';

  /** `folder` is the LanceDB database that holds the one table. */
  constructor(worker: Worker, folder: string) {
    this.worker = worker;
    this.folder = folder;
    this.uri = join(folder, `${TABLE}.lance`);
  }

  /** The same table in the hands of another version of pylance. */
  workedOnBy(worker: Worker): TableUnderTest {
    return new TableUnderTest(worker, this.folder);
  }

  /** A shallow clone of it, a table in a database of its own beside this one. */
  async shallowClone(): Promise<TableUnderTest> {
    const clone = new TableUnderTest(this.worker, `${this.folder}-clone`);
    await this.ask('shallow_clone', { target: clone.uri });
    return clone;
  }

  /** What `segmentd verify` finds. */
  async findings(): Promise<string[]> {
    return (await verifyTable(this.open(), 5)).findings.map(({ code, message }) => `${code}: ${message}`);
  }

  /** Folder of the LanceDB database. */
  get database(): string {
    return this.folder;
  }

  /** An action of worker.py on this table. */
  ask<Answer>(action: string, args: Args = {}): Promise<Answer> {
    return this.worker.ask(action, { uri: this.uri, ...args });
  }

  async engineVersion(): Promise<string> {
    return (await this.worker.ask<{ pylance: string }>('version', {})).pylance;
  }

  check(columns: readonly string[]): Promise<Report> {
    return this.ask('check', { columns });
  }

  disagreements(report: Report): Promise<string[]> {
    return lanceDbDisagreements(this.folder, TABLE, report);
  }

  async create(shape: Shape, start: number, count: number): Promise<void> {
    if (shape.maker === 'LanceDB') return this.write(start, count, shape);
    const { dataFormat: data_format, v2Names: v2_names, stableRowIds: stable_row_ids = false } = shape;
    if (stable_row_ids) this.stableRowIds = 'addresses';
    await this.ask('create', { start, count, data_format, v2_names, stable_row_ids });
  }

  async append(maker: Maker, start: number, count: number): Promise<void> {
    if (maker === 'LanceDB') return this.write(start, count);
    await this.ask('append', { start, count });
  }

  async createIndexes(maker: Maker, columns: readonly string[]): Promise<void> {
    if (maker === 'pylance') return this.ask('create_index', { columns });
    const connection = await connect(this.folder);
    const table = await connection.openTable(TABLE);
    for (const column of columns) await table.createIndex(column, { config: Index.btree() });
    table.close();
    connection.close();
  }

  /** LanceDB writes the same rows: a table of this shape, or, without one, an append. */
  private async write(start: number, count: number, shape?: Shape): Promise<void> {
    const path = join(this.folder, 'rows.arrow');
    await this.worker.ask('export', { start, count, path });
    const rows = tableFromIPC(await readFile(path));
    const connection = await connect(this.folder);
    if (shape) {
      const storageOptions = {
        new_table_data_storage_version: shape.dataFormat,
        new_table_enable_v2_manifest_paths: String(shape.v2Names),
      };
      (await connection.createTable(TABLE, rows, { storageOptions })).close();
    } else {
      const table = await connection.openTable(TABLE);
      await table.add(rows);
      table.close();
    }
    connection.close();
  }

  /** segmentd brings the table up to date; `meanwhile` happens once, between the first build and its commit. */
  async catchUp(
    wanted: WantedIndexes,
    meanwhile?: () => Promise<unknown>,
    stableRowIds: StableRowIds = this.stableRowIds,
    minRows?: number,
  ): Promise<CatchUp> {
    const builder = lanceSegmentBuilder(join(this.folder, 'scratch'));
    return catchUp(this.open(), meanwhile ? disturbed(builder, meanwhile) : builder, {
      wanted,
      stableRowIds,
      minRows,
      limits: { maxRows: 1_000_000, maxFragments: 1000 },
      commit: COMMIT,
      properties: PROPERTIES,
    });
  }

  /** segmentd merges each index into `to` segments, as far as one commit goes; `meanwhile` as above. Null when nothing is due. */
  async merge(to: number, meanwhile?: () => Promise<unknown>): Promise<MergeResult | null> {
    const builder = lanceSegmentBuilder(join(this.folder, 'scratch'));
    const table = this.open();
    const manifest = await table.latest();
    const plan = planMerges(manifest, DEFAULT_POLICY, (segments) => planMergeTo(segments, to));
    if (plan.merges.length === 0) return null;
    return mergeTable(table, manifest, plan, {
      builder: meanwhile ? disturbed(builder, meanwhile) : builder,
      commit: COMMIT,
      properties: PROPERTIES,
      withSlot: (land) => land(),
    });
  }

  open(): LanceTable {
    return new LanceTable(localStore(this.uri));
  }

  /** Commits the index again with the same files and another bitmap: the fault that coverage must never have. */
  async forgeCoverage(name: string, forge: (fragments: readonly number[]) => number[]): Promise<void> {
    const table = this.open();
    const latest = await table.latest();
    const segments = latest.indexes.filter((index) => index.name === name);
    const added = segments.map((segment) =>
      encodeSegment(segment.raw, {
        name,
        datasetVersion: segment.datasetVersion,
        fragments: forge(Array.from(segment.fragments ?? [])),
        createdAtMs: segment.createdAtMs ?? 0,
        details: null,
        files: segment.files,
      }),
    );
    const forged = spliceManifest(latest, {
      version: latest.version + 1,
      timestampMs: Date.now(),
      writer: WRITER,
      transaction: encodeCreateIndex({
        uuid: randomUUID(),
        readVersion: latest.version,
        added,
        removed: segments.map(({ raw }) => raw),
        properties: {},
      }),
      transactionFile: '',
      added: added.map((entry) => ({ entry })),
      removed: new Set(segments.map((segment) => segment.uuid)),
    });
    await table.store.putIfAbsent(await table.manifestKey(latest.version + 1), forged);
  }

  /** Every file with its size and age: equal before and after means that nothing was written. */
  async files(): Promise<Record<string, string>> {
    const entries = await readdir(this.uri, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    const facts = files.sort().map(async (file) => {
      const { size, mtimeMs, ino } = await stat(file);
      return [file, `${size} bytes, ${mtimeMs}, ${ino}`] as const;
    });
    return Object.fromEntries(await Promise.all(facts));
  }
}

function disturbed(builder: SegmentBuilder, meanwhile: () => Promise<unknown>): SegmentBuilder {
  let due = true;
  return {
    async build(...args) {
      const build = await builder.build(...args);
      if (due) await meanwhile();
      due = false;
      return build;
    },
  };
}
