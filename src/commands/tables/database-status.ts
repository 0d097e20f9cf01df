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
import { counted, formatShare, formatTable, printable } from '../terminal/output.ts';
import type { Style, Tone } from '../terminal/style.ts';
import { PLAIN, widthOf } from '../terminal/style.ts';
import { thousands } from '../terminal/thousands.ts';
import { leftFacts } from './left-alone.ts';
import { requestsPerLookup } from './lookup-requests.ts';
import type { SegmentsByTier } from './pending-work.ts';
import { segmentsByTier } from './pending-work.ts';
import type { Place } from './places.ts';

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
  const instead = await whyNoDatabase(database, storeOf);
  if (instead !== undefined) throw new SegmentdError('database_not_found', `${database} ${instead}`);
  const listing = await catalogs.look(place.database);
  if (!listing) {
    throw new SegmentdError(
      'database_not_found',
      `there is ${store.remote ? 'nothing below' : 'no folder'} ${database}`,
    );
  }
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

/** Problems first. */
const STATES = ['unreadable', 'declined', 'behind', 'left alone', 'covered', 'no index'] as const;
type State = (typeof STATES)[number];

const TONES: Readonly<Record<State, Tone>> = {
  unreadable: 'bad',
  declined: 'bad',
  behind: 'doubtful',
  'left alone': 'doubtful',
  covered: 'good',
  'no index': 'quiet',
};

type Row = { readonly state: State; readonly it: TableSummary | UnreadableTable };

function stateOf(it: TableSummary | UnreadableTable): State {
  if ('error' in it) return 'unreadable';
  if (it.declined) return 'declined';
  if (it.coverage !== null && it.missing_rows > 0) return 'behind';
  if (it.left_alone.length > 0) return 'left alone';
  return it.coverage === null ? 'no index' : 'covered';
}

/** What needs a look comes first, then by name; the first lines say how many of each there are. Fits the width of the style. */
export function formatDatabaseStatus({ database, tables }: DatabaseReport, style: Style = PLAIN): string {
  if (tables.length === 0) return `${printable(database)}  no tables`;
  const rows: Row[] = tables
    .map((it) => ({ state: stateOf(it), it }))
    .sort((a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state) || (a.it.table < b.it.table ? -1 : 1));
  return [printable(database), ...sumLines(rows, style), '', ...tableLines(rows, style)].join('\n');
}

/** One line, or more where it does not fit. */
function sumLines(rows: readonly Row[], { width, paint }: Style): string[] {
  const summaries = rows.flatMap(({ it }) => ('error' in it ? [] : [it]));
  const sum = (of: (it: TableSummary) => number) => summaries.reduce((so, it) => so + of(it), 0);
  const states = STATES.flatMap((state) => {
    const own = rows.filter((row) => row.state === state).length;
    return own === 0 ? [] : [paint(TONES[state], `${number(own)} ${state}`)];
  });
  const pieces = [
    ...states,
    counted(
      sum(({ rows: own }) => own),
      'row',
    ),
    `${number(sum((it) => it.missing_rows))} missing`,
  ];
  const lines = [`${counted(rows.length, 'table')}:`];
  for (const [at, piece] of pieces.entries()) {
    const text = at < pieces.length - 1 ? `${piece},` : piece;
    const last = `${lines.at(-1)} ${text}`;
    if (widthOf(last) <= width) lines[lines.length - 1] = last;
    else lines.push(`  ${text}`);
  }
  return lines;
}

const HEADER = ['table', 'state', 'covered', 'missing', 'rows', 'segments'];
const STATE_COLUMN = 1;
const NOTE_GAP = '  ';
const BELOW = '    ';

/** A name or a note that does not fit beside the numbers has a line of its own: neither is cut. */
function tableLines(rows: readonly Row[], { width, paint }: Style): string[] {
  const numbers = rows.map(({ it, state }) => cellsOf(it, state));
  const taken =
    Math.max(
      ...formatTable(HEADER.slice(1), numbers)
        .split('\n')
        .map((line) => line.length),
    ) + NOTE_GAP.length;
  const names = rows.map(({ it }) => printable(it.table));
  const nameWidth = Math.max(5, Math.min(Math.max(...names.map((name) => name.length)), width - taken));
  const cells = names.map((name, at) => [name.length > nameWidth ? '' : name, ...(numbers[at] ?? [])]);
  const paintState = (cell: string, row: number, column: number) => {
    const state = rows[row]?.state;
    return state && column === STATE_COLUMN ? paint(TONES[state], cell) : cell;
  };
  const [plain = '', ...plainLines] = formatTable(HEADER, cells).split('\n');
  const lines = formatTable(HEADER, cells, paintState).split('\n').slice(1);
  return [
    plain,
    ...rows.flatMap(({ it }, at) => {
      const name = names[at] ?? '';
      const note = noteOf(it);
      const line = lines[at] ?? '';
      const isBeside = (plainLines[at]?.length ?? 0) + NOTE_GAP.length + note.length <= width;
      return [
        ...(name.length > nameWidth ? [name] : []),
        note !== '' && isBeside ? `${line}${NOTE_GAP}${note}` : line,
        ...(note !== '' && !isBeside ? [`${BELOW}${note}`] : []),
      ];
    }),
  ];
}

function cellsOf(it: TableSummary | UnreadableTable, state: State): (string | number)[] {
  if ('error' in it) return [state, '-', '-', '-', '-'];
  const segments = Object.values(it.tiers).reduce((sum, count) => sum + count, 0);
  return it.coverage === null
    ? [state, '-', '-', it.rows, '-']
    : [state, formatShare(it.coverage), it.missing_rows, it.rows, segments];
}

const number = (value: number) => thousands(value);

/** The status of the table says more. */
function noteOf(it: TableSummary | UnreadableTable): string {
  if ('error' in it) return it.error.code;
  const { declined, held_rows: held, left_alone: left, requests_per_lookup: requests } = it;
  if (declined) return declined.code;
  return [
    ...(held > 0 ? [`${counted(held, 'row')} held`] : []),
    ...(left.length > 0 ? [`${left.length} left alone`] : []),
    ...(requests !== null ? [`${counted(requests, 'request')} per lookup`] : []),
  ].join(', ');
}
