/** Which tables the page shows, and in which order. Pure. */
/** @import { MemberStatus } from '../control/member-status.ts' */
/** @import { TableStatus } from '../control/table-states.ts' */

/** Whether it is declined, and nobody has said that it may be. @param {TableStatus} table */
function isDeclined({ declined }) {
  return declined !== null && !declined.accepted;
}

/** What ails a table, the worst first. @type {readonly ((table: TableStatus) => boolean)[]} */
const PROBLEMS = [
  ({ state }) => state === 'retrying',
  isDeclined,
  ({ state }) => state === 'paused',
  ({ left_alone }) => left_alone.length > 0,
];

/** @param {TableStatus} table */
function rank(table) {
  const worst = PROBLEMS.findIndex((isIt) => isIt(table));
  return worst < 0 ? PROBLEMS.length : worst;
}

const byName = new Intl.Collator('en', { numeric: true });

/**
 * Problems first, then by name, where `t_9` comes before `t_10`.
 * @param {readonly TableStatus[]} tables
 * @returns {TableStatus[]}
 */
export function inOrder(tables) {
  return [...tables].sort((one, other) => rank(one) - rank(other) || byName.compare(one.table, other.table));
}

/** The filters behind the tiles, by name. @type {Readonly<Record<string, (table: TableStatus) => boolean>>} */
export const FILTERS = {
  lagging: ({ lag_seconds }) => (lag_seconds ?? 0) > 0,
  uncovered: ({ indexes, missing_fragments }) =>
    indexes.length > 0 && missing_fragments !== null && missing_fragments > 0,
  retrying: ({ state }) => state === 'retrying',
  declined: isDeclined,
  paused: ({ state, pause }) => state === 'paused' || pause !== null,
  'left alone': ({ left_alone }) => left_alone.length > 0,
};

/**
 * @param {readonly TableStatus[]} tables
 * @param {{ filter: string | null, words: string }} wanted `words`: each has to be in the name, the state or the code of a reason
 * @returns {TableStatus[]}
 */
export function matching(tables, { filter, words }) {
  const passes = filter === null ? undefined : FILTERS[filter];
  const parts = words.toLowerCase().split(/\s+/).filter(Boolean);
  return tables.filter((table) => {
    if (passes && !passes(table)) return false;
    const text = `${table.table} ${table.state} ${codesOf(table).join(' ')}`.toLowerCase();
    return parts.every((part) => text.includes(part));
  });
}

/** @param {TableStatus} table */
const codesOf = ({ declined, failure, left_alone }) =>
  [declined, failure, ...left_alone].flatMap((reason) => (reason ? [reason.code] : []));

/** @typedef {{ name: string, value: string, note: string, tone: 'good' | 'bad' | 'warn' | 'plain', filter: string | null, href: string | null }} Tile */

/**
 * A tile for the number of tables that a filter passes.
 * @param {string} name
 * @param {number} value
 * @param {Tile['tone']} tone
 * @returns {Tile}
 */
const counter = (name, value, tone) => ({
  name,
  value: String(value),
  note: '',
  tone: value > 0 ? tone : 'plain',
  filter: value > 0 ? name : null,
  href: null,
});

/**
 * The tiles of the head. One that counts nothing filters nothing.
 * @param {Pick<MemberStatus, 'state' | 'reason' | 'totals' | 'group_view' | 'polls_every_s'>} status
 * @param {(seconds: number) => string} duration
 * @returns {Tile[]}
 */
export function tilesOf({ state, reason, totals, group_view, polls_every_s }, duration) {
  const { worst_lag: worst, covered, indexed, dead_letters_24h: letters } = totals;
  const isLagging = worst !== null && worst.seconds > 0;
  const unowned = group_view?.unowned_partitions.length ?? 0;
  /** @type {Tile[]} */
  const tiles = [
    {
      name: 'state',
      value: state,
      note: reason ?? '',
      tone: state === 'running' ? 'good' : 'bad',
      filter: null,
      href: null,
    },
    {
      name: 'worst lag',
      value: isLagging ? duration(worst.seconds) : '0 s',
      note: isLagging ? worst.table : '',
      tone: isLagging ? (worst.seconds >= LATE_SECONDS ? 'bad' : 'warn') : 'plain',
      filter: isLagging ? 'lagging' : null,
      href: null,
    },
    {
      name: 'indexed tables covered',
      value: `${covered} / ${indexed}`,
      note: '',
      tone: covered < indexed ? 'warn' : 'plain',
      filter: covered < indexed ? 'uncovered' : null,
      href: null,
    },
    counter('retrying', totals.retrying, 'bad'),
    counter('declined', totals.declined, 'warn'),
    counter('paused', totals.paused, 'warn'),
    counter('left alone', totals.left_alone, 'warn'),
  ];
  // Without Kafka there are neither records nor dead letters.
  if (polls_every_s === null)
    tiles.push({
      name: 'dead letters, 24 h',
      value: String(letters),
      note: '',
      tone: letters > 0 ? 'warn' : 'plain',
      filter: null,
      href: letters > 0 ? '#dead-letters' : null,
    });
  if (unowned > 0)
    tiles.push({ name: 'unowned partitions', value: String(unowned), note: '', tone: 'bad', filter: null, href: null });
  return tiles;
}

/** A lag from here on is shown in red: the alert for it waits as long. */
const LATE_SECONDS = 60;
