/** What `top` shows, and what its keys do. Pure. */
import type { MemberStatus } from '../../control/member-status.ts';
import type { TableStatus } from '../../control/table-states.ts';
import { counted, formatShare, formatTable, printable } from '../terminal/output.ts';
import type { Style, Tone } from '../terminal/style.ts';
import { cut } from '../terminal/style.ts';
import { thousands } from '../terminal/thousands.ts';

/** Of the answer of `/status`. */
export type TopStatus = Pick<
  MemberStatus,
  'state' | 'version' | 'member' | 'group' | 'partitions' | 'totals' | 'tables'
>;

/** The last answer that came, and how it is with the next. */
export type Seen = {
  readonly status: TopStatus;
  /** When the answer came, milliseconds of the clock of `staleLine`. */
  readonly atMs: number;
  readonly isAsking: boolean;
  /** Why the last question got no answer; undefined when it got one. */
  readonly problem: string | undefined;
};

/** Said within two seconds: an answer that comes a second late, plus the time until the next drawing. */
const LATE_MS = 1_500;

/** What stands above an answer that is old, or undefined. */
export function staleLine({ atMs, isAsking, problem }: Seen, nowMs: number): string | undefined {
  const age = `what stands below is ${seconds((nowMs - atMs) / 1000)} old`;
  if (problem !== undefined) return `STALE: ${age}: ${printable(problem)}`;
  return isAsking && nowMs - atMs >= LATE_MS ? `NO ANSWER: ${age}` : undefined;
}

const SORTS = ['problems', 'name', 'lag', 'missing', 'segments'] as const;

export type TopView = {
  readonly sort: (typeof SORTS)[number];
  readonly filter: string;
  /** The filter is being typed. */
  readonly isTyping: boolean;
  /** Tables above the first that is shown. */
  readonly from: number;
};

export const FIRST_VIEW: TopView = { sort: 'problems', filter: '', isTyping: false, from: 0 };

const PAGE = 10;
const MOST_FILTER = 100;

/** The view after a key, or null to end. */
export function afterKey(view: TopView, key: string): TopView | null {
  if (key === '\x03') return null;
  if (view.isTyping) return typed(view, key);
  const moved = (by: number) => ({ ...view, from: Math.max(0, view.from + by) });
  switch (key) {
    case 'q':
    case '\x04':
      return null;
    case '/':
      return { ...view, isTyping: true };
    case 's':
      return { ...view, from: 0, sort: SORTS[(SORTS.indexOf(view.sort) + 1) % SORTS.length] ?? 'problems' };
    case 'j':
    case '\x1b[B':
      return moved(1);
    case 'k':
    case '\x1b[A':
      return moved(-1);
    case ' ':
    case '\x1b[6~':
      return moved(PAGE);
    case 'b':
    case '\x1b[5~':
      return moved(-PAGE);
    case '\x1b':
      return { ...view, filter: '', from: 0 };
    default:
      return view;
  }
}

function typed(view: TopView, key: string): TopView {
  if (key === '\r' || key === '\n') return { ...view, isTyping: false };
  if (key === '\x1b') return { ...view, isTyping: false, filter: '', from: 0 };
  if (key === '\x7f' || key === '\b') return { ...view, filter: view.filter.slice(0, -1), from: 0 };
  const text = key.replaceAll(/\p{Cc}/gu, '');
  return key.startsWith('\x1b') ? view : { ...view, filter: `${view.filter}${text}`.slice(0, MOST_FILTER), from: 0 };
}

const PROBLEMS: readonly TableStatus['state'][] = ['declined', 'retrying', 'paused'];
const TONES: Readonly<Record<string, Tone>> = {
  declined: 'bad',
  retrying: 'doubtful',
  paused: 'doubtful',
  served: 'good',
};

const rankOf = ({ state, missing_fragments: missing }: TableStatus) => {
  const at = PROBLEMS.indexOf(state);
  if (at >= 0) return at;
  return (missing ?? 0) > 0 ? PROBLEMS.length : PROBLEMS.length + 1;
};

const missingRows = ({ indexes }: TableStatus) => Math.max(0, ...indexes.map(({ missing_rows: rows }) => rows));

const ORDER: Readonly<Record<TopView['sort'], (table: TableStatus) => number>> = {
  problems: rankOf,
  name: () => 0,
  lag: ({ lag_seconds: lag }) => -(lag ?? 0),
  missing: (table) => -missingRows(table),
  segments: ({ segments }) => -(segments ?? 0),
};

/** The tables in the order of the view. */
export function sorted(tables: readonly TableStatus[], { sort, filter }: TopView): TableStatus[] {
  const order = ORDER[sort];
  return tables
    .filter(({ table, state }) => table.includes(filter) || state === filter)
    .sort((a, b) => order(a) - order(b) || (a.table < b.table ? -1 : 1));
}

/** `rows`: lines of the terminal; all tables where there is no end of them. */
export function topLines(status: TopStatus, view: TopView, style: Style, rows = Number.POSITIVE_INFINITY): string[] {
  const tables = sorted(status.tables, view);
  const head = headLines(status, style);
  // The header of the table and the line below it.
  const room = Math.max(1, rows - head.length - 4);
  const from = Math.min(view.from, Math.max(0, tables.length - room));
  const shown = tables.slice(from, from + room);
  const cells = shown.map(cellsOf);
  const paint = (cell: string, row: number, column: number) => {
    const tone = column === 1 ? TONES[shown[row]?.state ?? ''] : undefined;
    return tone ? style.paint(tone, cell) : cell;
  };
  const table = formatTable(
    columnsFor(style.width, HEADER),
    cells.map((row) => columnsFor(style.width, row)),
    paint,
  );
  return [
    ...head,
    '',
    ...table.split('\n'),
    '',
    footer(view, status.tables.length, tables.length, from, shown.length, rows),
  ].map((line) => cut(line, style.width));
}

function headLines({ state, version, member, group, partitions, totals }: TopStatus, { paint }: Style): string[] {
  const tone = state === 'running' ? 'good' : 'doubtful';
  const { tables, covered, retrying, declined, paused, dead_letters_24h: dead, worst_lag: lag } = totals;
  const bad = (count: number, what: string, how: Tone) => (count > 0 ? [paint(how, `${count} ${what}`)] : []);
  return [
    `segmentd ${printable(version)}  ${paint(tone, printable(state))}  ${printable(member)}  ${group === null ? 'no broker' : `group ${printable(group)}, ${counted(partitions.length, 'partition')}`}`,
    [
      `${counted(tables, 'table')}, ${covered} covered`,
      ...bad(declined, 'declined', 'bad'),
      ...bad(retrying, 'retrying', 'doubtful'),
      ...bad(paused, 'paused', 'doubtful'),
      ...(dead > 0 ? [paint('doubtful', `${counted(dead, 'dead letter')} in 24 h`)] : []),
      ...(lag ? [`behind by ${seconds(lag.seconds)} at most`] : []),
    ].join(', '),
  ];
}

const HEADER = ['table', 'state', 'covered', 'lag', 'missing', 'segments', 'reason'];
/** What a narrow terminal does without, the least telling first: segments, then rows, then lag. */
const NARROW: readonly (readonly [number, number])[] = [
  [70, 5],
  [55, 4],
  [45, 3],
];

function columnsFor<T>(width: number, cells: readonly T[]): T[] {
  const left = new Set(NARROW.flatMap(([least, column]) => (width < least ? [column] : [])));
  return cells.filter((_, column) => !left.has(column));
}

function cellsOf(table: TableStatus): (string | number)[] {
  const { coverage, lag_seconds: lag, declined, failure, pause } = table;
  const reason = declined?.code ?? failure?.code ?? (pause ? `by ${pause.by}` : '');
  return [
    table.table,
    table.state,
    coverage === null ? (table.segments === null ? 'not known' : 'no index') : formatShare(coverage),
    lag === null ? '-' : seconds(lag),
    table.segments === null ? '-' : missingRows(table),
    table.segments ?? '-',
    reason,
  ];
}

const seconds = (value: number) => (value < 10 ? `${value.toFixed(1)} s` : `${thousands(Math.round(value))} s`);

/** Says what is not shown, and the keys. */
function footer(view: TopView, all: number, found: number, from: number, shown: number, rows: number): string {
  if (view.isTyping) return `filter: ${view.filter}_`;
  const filter = view.filter === '' ? '' : ` of ${all} that match "${view.filter}"`;
  const range = shown === found ? `all ${found}${filter}` : `${from + 1} to ${from + shown} of ${found}${filter}`;
  const keys = Number.isFinite(rows) ? `  / filter, s sort, j k scroll, q quit` : '';
  return `${range}, by ${view.sort}${keys}`;
}
