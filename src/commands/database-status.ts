/** What `status` shows of all tables of a database. */
import { join } from 'node:path';
import type { TableFacts } from '../lance/inspect/inspect.ts';
import { inspectTable } from '../lance/inspect/inspect.ts';
import { LanceTable } from '../lance/table/table.ts';
import { asyncLimit } from '../lib/async-limit.ts';
import type { ErrorCode } from '../lib/errors.ts';
import { asSegmentdError, SegmentdError } from '../lib/errors.ts';
import { DEFAULT_MERGE } from '../merge/policy/tiered.ts';
import { listTables } from '../store/list-tables.ts';
import { openStore } from '../store/open-store.ts';
import { whyNoDatabase } from '../store/why-no-database.ts';
import { formatShare, formatTable } from './output.ts';
import type { SegmentsByTier } from './pending-work.ts';
import { segmentsByTier } from './pending-work.ts';
import { formatTiers } from './table-status.ts';

/** A table in short. */
type TableSummary = { readonly table: string } & Pick<
  TableFacts,
  'version' | 'rows' | 'fragments' | 'coverage' | 'missing_rows' | 'missing_fragments' | 'declined'
> & { readonly indexes: readonly string[]; readonly tiers: SegmentsByTier };

/** A table that cannot be read. */
type UnreadableTable = {
  readonly table: string;
  readonly error: { readonly code: ErrorCode; readonly message: string };
};

type DatabaseReport = {
  readonly database: string;
  readonly tables: readonly (TableSummary | UnreadableTable)[];
};

/** Manifests read at once: bounds memory, and keeps a slow disk busy. */
const AT_ONCE = 8;

/**
 * A table that cannot be read is reported with its error, beside the others. Errors: database_not_found, store_unavailable, store_denied.
 */
export async function inspectDatabase(database: string): Promise<DatabaseReport> {
  const names = await listTables(openStore(database));
  if (!names) throw new SegmentdError('database_not_found', `there is no folder ${database}`);
  const instead = await whyNoDatabase(database);
  if (instead !== undefined) throw new SegmentdError('database_not_found', `${database} ${instead}`);
  const limit = asyncLimit(AT_ONCE);
  const tables = names.map((name) => limit.run(() => summarize(database, name)));
  return { database, tables: await Promise.all(tables) };
}

async function summarize(database: string, name: string): Promise<TableSummary | UnreadableTable> {
  try {
    const facts = await inspectTable(new LanceTable(openStore(join(database, `${name}.lance`))));
    const { version, rows, fragments, coverage, missing_rows, missing_fragments, declined, indexes } = facts;
    return {
      table: name,
      version,
      rows,
      fragments,
      coverage,
      missing_rows,
      missing_fragments,
      declined,
      indexes: indexes.map((index) => index.name),
      tiers: segmentsByTier(indexes, DEFAULT_MERGE),
    };
  } catch (error) {
    const { code, message } = asSegmentdError(error);
    return { table: name, error: { code, message } };
  }
}

const HEADER = [
  ...['table', 'version', 'rows', 'indexes', 'covered', 'missing rows', 'missing fragments'],
  ...['segments by tier', 'note'],
];

export function formatDatabaseStatus({ database, tables }: DatabaseReport): string {
  const count = tables.length === 1 ? '1 table' : `${tables.length} tables`;
  if (tables.length === 0) return `${database}  no tables`;
  return `${database}  ${count}\n${formatTable(HEADER, tables.map(rowOf))}`;
}

function rowOf(it: TableSummary | UnreadableTable): (string | number)[] {
  if ('error' in it) return [it.table, '-', '-', '-', '-', '-', '-', '', it.error.code];
  return [
    it.table,
    ...[it.version, it.rows, it.indexes.length],
    ...(it.coverage === null ? ['-', '-', '-'] : [formatShare(it.coverage), it.missing_rows, it.missing_fragments]),
    formatTiers(it.tiers),
    it.declined ? `declined: ${it.declined.code}` : '',
  ];
}
