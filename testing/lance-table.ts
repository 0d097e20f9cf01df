/** Real LanceDB tables in a folder that goes with the test, and segmentd at work on them. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connection, Table } from '@lancedb/lancedb';
import { connect } from '@lancedb/lancedb';
import type { Table as ArrowTable } from 'apache-arrow';
import { onTestFinished } from 'vitest';
import type { CatchUp, CatchUpSettings } from '../src/commands/tables/catch-up.ts';
import { catchUp } from '../src/commands/tables/catch-up.ts';
import { lanceSegmentBuilder } from '../src/lance/engine/segment-builder.ts';
import type { SegmentBuilder } from '../src/lance/segment.ts';
import { LanceTable } from '../src/lance/table/table.ts';
import { localStore } from '../src/store/local-store.ts';
import { tempDir } from './temp-dir.ts';

export type RealTable = {
  readonly database: string;
  readonly uri: string;
  readonly connection: Connection;
  readonly table: Table;
};

/** How a test has `catchUp` index what the existing indexes of a table miss. */
export const CATCH_UP = {
  wanted: 'existing',
  limits: { maxRows: 1_000_000, maxFragments: 100 },
  commit: { maxAttempts: 20, initialBackoffMs: 5, writer: { library: 'segmentd', version: '0.0.0-test' } },
  properties: {},
} as const;

/** A LanceDB table `t` with these rows in a database of its own; closed when the test ends. */
export async function realTable(rows: ArrowTable, { stableRowIds = false } = {}): Promise<RealTable> {
  const database = await tempDir();
  // Nothing is remembered between two looks: a test asks what is on disk now.
  const connection = await connect(database, { readConsistencyInterval: 0 });
  const storageOptions = { new_table_enable_stable_row_ids: String(stableRowIds) };
  const table = await connection.createTable('t', rows, { storageOptions });
  onTestFinished(() => {
    table.close();
    connection.close();
  });
  return { database, uri: join(database, 't.lance'), connection, table };
}

/** A shallow clone `c` of the table at `source`, in a database of its own: its first files are those of the source. */
export async function realClone(source: string): Promise<{ theirs: Table; uri: string }> {
  const database = await tempDir();
  const connection = await connect(database, { readConsistencyInterval: 0 });
  const theirs = await connection.cloneTable('c', source, { isShallow: true });
  onTestFinished(() => {
    theirs.close();
    connection.close();
  });
  return { theirs, uri: join(database, 'c.lance') };
}

/** Catches a table up as `segmentd index` does. */
export async function index(
  uri: string,
  settings: Partial<CatchUpSettings> = {},
  builder?: SegmentBuilder,
): Promise<CatchUp> {
  return catchUp(new LanceTable(localStore(uri)), builder ?? lanceSegmentBuilder(await tempDir()), {
    wanted: 'existing',
    limits: { maxRows: 1_000_000, maxFragments: 100 },
    commit: { maxAttempts: 20, initialBackoffMs: 5, writer: { library: 'segmentd', version: '0.0.0-test' } },
    properties: {},
    ...settings,
  });
}

export const latest = (uri: string) => new LanceTable(localStore(uri)).latest();

/** Digests of all files below a folder, by their path in it. */
export async function digests(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const pairs = paths.sort().map(async (path) => {
    const digest = createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
    return [path.slice(folder.length + 1), digest] as const;
  });
  return new Map(await Promise.all(pairs));
}

/** The ids that a filter finds, sorted. */
export async function idsWhere(table: Table, filter: string): Promise<number[]> {
  const rows: { id: bigint | number }[] = await table.query().where(filter).select(['id']).toArray();
  return rows.map(({ id }) => Number(id)).sort((a, b) => a - b);
}

/** Whether LanceDB answers a filter from a scalar index, and scans no fragment beside it. */
export async function usesIndex(table: Table, filter: string): Promise<boolean> {
  return (await table.query().where(filter).explainPlan(true)).includes('ScalarIndexQuery');
}
