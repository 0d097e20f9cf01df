/** What `/status` shows of this process, from the parts that know it. */
import type { Config } from '../config/schema.ts';
import { sweepSeconds } from '../config/sweep-interval.ts';
import { acceptsDecline } from '../config/table-policy.ts';
import type { DeadLetterLog } from '../control/dead-letter-log.ts';
import type { EvidenceFolder } from '../control/evidence.ts';
import type { MemberStatus, MemberTable } from '../control/member-status.ts';
import { memberStatus } from '../control/member-status.ts';
import type { Pauses } from '../control/pauses.ts';
import type { TableOwnership } from '../control/table-ownership.ts';
import { TableStates } from '../control/table-states.ts';
import type { Pages } from '../http/pages.ts';
import { loadPages } from '../http/pages.ts';
import type { StatusRoutes } from '../http/status-routes.ts';
import { statusRoutes } from '../http/status-routes.ts';
import type { RecordSource } from '../kafka/consumer/source.ts';
import type { GroupView } from '../kafka/group-view.ts';
import type { KindName } from '../lib/index-kinds.ts';
import { memberName } from '../lib/member-name.ts';
import { VERSION, versionOf } from '../lib/version.ts';
import { tierOf, tiersOf } from '../merge/policy/tiered.ts';
import { reasonOf, STATE_OF_SOURCE } from './kafka-hooks.ts';
import { clientIdOf } from './kafka-settings.ts';
import { mergeSchedule } from './pipeline-context.ts';

type StatusParts = {
  readonly source: RecordSource;
  readonly states: TableStates;
  readonly deadLetters: DeadLetterLog;
  readonly ownership: TableOwnership;
};

export type Status = {
  /** What each listener serves of it: the answers, and the page that shows them. */
  readonly served: Readonly<
    Record<'http' | 'admin', { readonly status: StatusRoutes; readonly pages: Pages | undefined }>
  >;
  /** What comes to be known later. */
  groupSeen(view: GroupView | null): void;
  /** `url`: that of the listener for operators. */
  adminOpened(url: string): void;
};

/** What is known of each table. */
export function openStates(config: Config, pauses: Pauses, evidence: EvidenceFolder): TableStates {
  return new TableStates(pauses, {
    tierOf: segmentTiers(config),
    acceptsDecline: (table) => acceptsDecline(config, table),
    findingOf: (table) => evidence.of(table),
  });
}

/** What the metrics count. Only a member that works on a table tells that it is paused: elsewhere that silences no alert. */
export function countsOf(
  states: Pick<TableStates, 'retrying' | 'declinedByReason' | 'paused'>,
  ownership: Pick<TableOwnership, 'isElsewhere'>,
) {
  const { retrying, declinedByReason } = states;
  return { retrying, declinedByReason, paused: states.paused.filter((table) => !ownership.isElsewhere(table)) };
}

export function openStatus(config: Config, { source, states, deadLetters, ownership }: StatusParts): Status {
  const fixed = {
    version: VERSION,
    lancedb: versionOf('@lancedb/lancedb'),
    member: memberName(clientIdOf(config)),
    started_at: new Date().toISOString(),
    group: config.kafka?.group_id ?? null,
    topic: config.kafka?.topic ?? null,
  };
  let group_view: GroupView | null = null;
  let admin_url: string | null = null;
  const status = (): MemberStatus => {
    const facts = {
      ...fixed,
      // What is in force: it may be configured anew.
      polls_every_s: config.kafka === undefined ? sweepSeconds(config) : null,
      state: STATE_OF_SOURCE[source.state()],
      reason: source.state() === 'running' ? null : reasonOf(source),
      partitions: source.assigned(),
      partition_count: ownership.partitionCount || null,
      group_view,
      admin_url,
      unackedRecords: source.unacked(),
      oldestUnackedMs: source.oldestUnackedMs(),
    };
    return memberStatus(facts, states, deadLetters, Date.now());
  };
  const detail = (table: string): MemberTable | null => {
    const found = states.detail(table);
    return found && { ...found, member: fixed.member, admin_url };
  };
  const routes = statusRoutes({ status, detail });
  const pages = config.http.page ? loadPages({ anonymous: config.http.anonymous }) : undefined;
  return {
    served: { http: { status: routes, pages: pages?.http }, admin: { status: routes, pages: pages?.admin } },
    groupSeen: (view) => {
      group_view = view;
    },
    adminOpened: (url) => {
      admin_url = url;
    },
  };
}

/** Tiers as numbers, the last for segments that are not merged any more: by the policy of the table's store and the index's kind. */
function segmentTiers(config: Config): (table: string, kind: KindName, rows: number) => number {
  const { settings } = mergeSchedule(config);
  const known = new Map<string, (rows: number) => number>();
  const tiersFor = (database: string, kind: KindName) => {
    const own = settings({ id: database, database, name: '', uri: config.databases[database]?.uri ?? '' }, kind);
    const last = tiersOf(own).length - 1;
    return (rows: number) => {
      const tier = tierOf(rows, own);
      return tier === 'mature' ? last : tier;
    };
  };
  return (table, kind, rows) => {
    const database = table.split('/', 1)[0] ?? '';
    const key = `${database} ${kind}`;
    const tierOfRows = known.get(key) ?? tiersFor(database, kind);
    known.set(key, tierOfRows);
    return tierOfRows(rows);
  };
}
