/** What `/status` shows: this member of the group, and the tables as it knows them. */
import type { GroupView } from '../kafka/group-view.ts';
import { visibleLines } from '../lib/visible-text.ts';
import type { DeadLetterEntry, DeadLetterLog } from './dead-letter-log.ts';
import type { TableChange } from './recent-changes.ts';
import type { TableDetail, TableStates, TableStatus } from './table-states.ts';

type Totals = {
  readonly tables: number;
  /** Tables with an index of which none misses a row; never a declined one. */
  readonly covered: number;
  /** Tables with an index, as far as that is known: without declined ones. */
  readonly indexed: number;
  readonly served: number;
  readonly retrying: number;
  /** Without those that the configuration accepts. */
  readonly declined: number;
  readonly paused: number;
  /** Tables with an index that is left alone. */
  readonly left_alone: number;
  /** Null while nothing is missing. */
  readonly worst_lag: { readonly table: string; readonly seconds: number } | null;
  readonly dead_letters_24h: number;
  readonly unacked_records: number;
  /** Null without such a record. */
  readonly oldest_unacked_seconds: number | null;
};

/** What the daemon knows of itself. */
export type MemberFacts = {
  readonly version: string;
  readonly lancedb: string;
  readonly member: string;
  readonly started_at: string;
  readonly state: string;
  readonly reason: string | null;
  /** This and the topic are null without Kafka. */
  readonly group: string | null;
  readonly topic: string | null;
  /** Without Kafka: seconds between two looks at a table; null with it. */
  readonly polls_every_s: number | null;
  readonly partitions: readonly number[];
  /** Of the topic; null until the broker has told. */
  readonly partition_count: number | null;
  /** As the broker told last. */
  readonly group_view: GroupView | null;
  readonly admin_url: string | null;
  readonly unackedRecords: number;
  readonly oldestUnackedMs: number;
};

export type MemberStatus = Omit<MemberFacts, 'unackedRecords' | 'oldestUnackedMs'> & {
  /** Grows when a field goes away or changes its meaning. */
  readonly schema: 1;
  readonly at: string;
  /** Whose view the tables are. */
  readonly view: 'member';
  readonly totals: Totals;
  /** By name. */
  readonly tables: readonly TableStatus[];
  readonly paused: readonly string[];
  readonly recent: {
    readonly changes: readonly TableChange[];
    readonly dead_letters: readonly DeadLetterEntry[];
  };
};

/** A table as one member knows it, and which one that is. */
export type MemberTable = TableDetail & Pick<MemberFacts, 'member' | 'admin_url'>;

/** `nowMs`: milliseconds since the epoch. */
export function memberStatus(
  { unackedRecords, oldestUnackedMs, ...facts }: MemberFacts,
  states: TableStates,
  deadLetters: DeadLetterLog,
  nowMs: number,
): MemberStatus {
  const tables = states.all();
  return {
    schema: 1,
    ...facts,
    reason: facts.reason && visibleLines(facts.reason),
    at: new Date(nowMs).toISOString(),
    view: 'member',
    totals: {
      ...tableTotals(tables),
      dead_letters_24h: deadLetters.ofLastDay,
      unacked_records: unackedRecords,
      oldest_unacked_seconds: unackedRecords > 0 ? oldestUnackedMs / 1000 : null,
    },
    tables,
    paused: states.paused,
    recent: { changes: states.changes, dead_letters: deadLetters.newest },
  };
}

function tableTotals(tables: readonly TableStatus[]) {
  const inState = (state: TableStatus['state']) => tables.filter((it) => it.state === state).length;
  const indexed = tables.filter(({ indexes }) => indexes.length > 0);
  return {
    tables: tables.length,
    covered: indexed.filter(({ declined, missing_fragments: missing }) => !declined && missing === 0).length,
    indexed: indexed.length,
    served: inState('served'),
    retrying: inState('retrying'),
    declined: tables.filter(({ declined }) => declined && !declined.accepted).length,
    paused: inState('paused'),
    left_alone: tables.filter(({ left_alone: left }) => left.length > 0).length,
    worst_lag: worstLag(tables),
  };
}

function worstLag(tables: readonly TableStatus[]): Totals['worst_lag'] {
  let worst: Totals['worst_lag'] = null;
  for (const { table, lag_seconds: seconds } of tables) {
    if (seconds !== null && seconds > (worst?.seconds ?? 0)) worst = { table, seconds };
  }
  return worst;
}
