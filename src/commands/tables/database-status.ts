/** What `status` shows of all tables of a database. */
import type { TableFacts } from '../../lance/inspect/inspect.ts';
import { inspectTable } from '../../lance/inspect/inspect.ts';
import { MANAGED_VERSIONING } from '../../lance/plan/supported.ts';
import { LanceTable } from '../../lance/table/table.ts';
import { asyncLimit } from '../../lib/async-limit.ts';
import type { ErrorCode } from '../../lib/errors.ts';
import { asSegmentdError, SegmentdError } from '../../lib/errors.ts';
import { TABLE_SUFFIX } from '../../lib/table-name.ts';
import { defaultMerge } from '../../merge/policy/tiered.ts';
import type { LeftAlone } from '../../model.ts';
import { CATALOG_FOLDER } from '../../store/list-tables.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { whyNoDatabase } from '../../store/why-no-database.ts';
import { formatShare, formatTable } from '../terminal/output.ts';
import { leftFacts } from './left-alone.ts';
import { requestsPerLookup } from './lookup-requests.ts';
import type { SegmentsByTier } from './pending-work.ts';
import { segmentsByTier } from './pending-work.ts';
import type { Place } from './places.ts';
import { formatTiers } from './table-status.ts';

/** A table in short. */
type TableSummary = { readonly table: string } & Pick<
  TableFacts,
  'version' | 'rows' | 'fragments' | 'coverage' | 'missing_rows' | 'missing_fragments' | 'held_rows' | 'declined'
> & {
    readonly indexes: readonly string[];
    readonly left_alone: readonly LeftAlone[];
    readonly tiers: SegmentsByTier;
    /** In the index that takes most; null on a disk and without an index. */
    readonly requests_per_lookup: number | null;
  };

/** A table that cannot be read. */
type UnreadableTable = {
  readonly table: string;
  readonly error: { readonly code: ErrorCode; readonly message: string };
};

export type DatabaseReport = {
  readonly database: string;
  readonly tables: readonly (TableSummary | UnreadableTable)[];
};

/** Manifests read at once: bounds memory, and keeps a slow disk or an object store busy. */
const AT_ONCE = 8;

/**
 * A table that cannot be read is reported with its error, beside the others. Errors: database_not_found, store_unavailable, store_denied.
 */
export async function inspectDatabase(place: Place): Promise<DatabaseReport> {
  const { uri: database, storeOf, catalogs } = place;
  const store = storeOf(database);
  const listing = await catalogs.look(place.database);
  if (!listing) {
    throw new SegmentdError(
      'database_not_found',
      `there is ${store.remote ? 'nothing below' : 'no folder'} ${database}`,
    );
  }
  const instead = await whyNoDatabase(database, storeOf);
  if (instead !== undefined) throw new SegmentdError('database_not_found', `${database} ${instead}`);
  const limit = asyncLimit(AT_ONCE);
  const { names, unfit, problem } = listing;
  const tables = names.map((name) => limit.run(() => summarize(place, name)));
  return {
    database,
    tables: [
      ...(await Promise.all(tables)),
      ...unfit.map((name) => unreadable(name, NOT_NAMED)),
      ...(problem ? [unreadable(CATALOG_FOLDER, problem)] : []),
    ],
  };
}

/** Of a table that is in the catalog alone: events cannot name it. */
const NOT_NAMED = new SegmentdError(
  'event_table_invalid',
  'the catalog lists a table with a name or place that segmentd does not serve',
);

const unreadable = (table: string, { code, message }: SegmentdError): UnreadableTable => ({
  table,
  error: { code, message },
});

async function summarize(
  { uri, storeOf, policyOf, catalogs, ...place }: Place,
  name: string,
): Promise<TableSummary | UnreadableTable> {
  const location = catalogs.locationOf(place.database, name) ?? `${name}${TABLE_SUFFIX}`;
  const at = `${uri.replace(/\/+$/, '')}/${location}`;
  const store = storeOf(at);
  const isManaged = catalogs.isManaged({ database: place.database, name });
  try {
    const facts = await inspectTable(new LanceTable(store), policyOf(at));
    const { version, rows, fragments, coverage, missing_rows, missing_fragments, held_rows, declined, indexes } = facts;
    return {
      table: name,
      version,
      rows,
      fragments,
      coverage,
      missing_rows,
      missing_fragments,
      held_rows,
      declined: isManaged ? MANAGED_VERSIONING : declined,
      indexes: indexes.map((index) => index.name),
      left_alone: leftFacts(facts.left_alone),
      tiers: segmentsByTier(indexes, defaultMerge(store.remote)),
      requests_per_lookup: mostRequests(indexes, store),
    };
  } catch (error) {
    return unreadable(name, asSegmentdError(error));
  }
}

function mostRequests(indexes: TableFacts['indexes'], store: ObjectStore): number | null {
  const each = indexes.map(({ segments }) => requestsPerLookup(segments, store) ?? 0);
  return store.remote && each.length > 0 ? Math.max(...each) : null;
}

const HEADER = [
  ...['table', 'version', 'rows', 'indexes', 'covered', 'missing rows', 'missing fragments'],
  'segments by tier',
];

export function formatDatabaseStatus({ database, tables }: DatabaseReport): string {
  const count = tables.length === 1 ? '1 table' : `${tables.length} tables`;
  if (tables.length === 0) return `${database}  no tables`;
  // On a disk a lookup makes no requests.
  const requests = tables.some((it) => 'requests_per_lookup' in it && it.requests_per_lookup !== null);
  const header = [...HEADER, ...(requests ? ['requests per lookup'] : []), 'note'];
  return `${database}  ${count}\n${formatTable(
    header,
    tables.map((it) => rowOf(it, requests)),
  )}`;
}

function rowOf(it: TableSummary | UnreadableTable, requests: boolean): (string | number)[] {
  if ('error' in it) return [it.table, '-', '-', '-', '-', '-', '-', '', ...(requests ? ['-'] : []), it.error.code];
  return [
    it.table,
    ...[it.version, it.rows, it.indexes.length],
    ...(it.coverage === null ? ['-', '-', '-'] : [formatShare(it.coverage), it.missing_rows, it.missing_fragments]),
    formatTiers(it.tiers),
    ...(requests ? [it.requests_per_lookup ?? '-'] : []),
    noteOf(it),
  ];
}

/** Short, since it stands behind the columns: the status of the table says more. */
function noteOf({ declined, held_rows: held, left_alone: left }: TableSummary): string {
  if (declined) return `declined: ${declined.code}`;
  return [
    ...(held > 0 ? [`${held.toLocaleString('en-US')} rows held`] : []),
    ...(left.length > 0 ? [`${left.length} left alone`] : []),
  ].join(', ');
}
