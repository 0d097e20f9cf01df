/** Connects the hooks of the Kafka parts to telemetry. */
import type { TableOwnership } from '../control/table-ownership.ts';
import type { TableStates } from '../control/table-states.ts';
import type { KafkaLog, KafkaSettings } from '../kafka/client.ts';
import type { RecordSource, SourceHooks, SourceState } from '../kafka/consumer/source.ts';
import type { GroupView } from '../kafka/group-view.ts';
import type { LagHooks } from '../kafka/lag.ts';
import type { Telemetry } from '../telemetry/events.ts';
import type { State } from '../telemetry/metric-catalogue.ts';

export const STATE_OF_SOURCE: Record<SourceState, State> = {
  connecting: 'starting',
  joining: 'joining',
  running: 'running',
  rebalancing: 'rebalancing',
  rebuilding: 'degraded',
  draining: 'draining',
  stopped: 'stopped',
  failed: 'failed',
};

export type SourceParts = {
  readonly telemetry: Telemetry;
  readonly states: TableStates;
  readonly ownership: TableOwnership;
  readonly slots: { readonly busy: boolean };
  readonly log: KafkaLog;
};

/** Those of a source with Kafka and without. */
export const stateHooks = ({ telemetry, slots }: Pick<SourceParts, 'telemetry' | 'slots'>) => ({
  onState: (state: SourceState) => {
    telemetry.stateChanged({ state: STATE_OF_SOURCE[state] });
    if (state === 'running') telemetry.consumerRecovered();
  },
  isBusy: () => slots.busy,
});

export function sourceHooks(
  { topic }: Pick<KafkaSettings, 'topic'>,
  { telemetry, states, ownership, slots, log }: SourceParts,
): SourceHooks {
  return {
    ...stateHooks({ telemetry, slots }),
    log,
    onRebalance: (partitions) => {
      telemetry.rebalanced({ assigned: { [topic]: partitions } });
      for (const table of ownership.assign(partitions)) {
        states.forget(table);
        telemetry.tableReleased({ table });
      }
    },
    onCrash: (error, willRestart) => telemetry.consumerCrashed({ error, willRestart }),
    onCommit: (result) => {
      if (result === 'ok') telemetry.offsetsCommitted();
    },
  };
}

export type LagParts = {
  readonly telemetry: Telemetry;
  readonly ownership: TableOwnership;
  readonly source: RecordSource;
  readonly status: { groupSeen(view: GroupView | null): void };
  readonly log: KafkaLog;
};

export function lagHooks(
  { topic, groupId: group }: Pick<KafkaSettings, 'topic' | 'groupId'>,
  { telemetry, ownership, source, status, log }: LagParts,
): LagHooks {
  return {
    log,
    onLag: (partitions) => {
      ownership.setPartitionCount(partitions.size);
      const owned = source.assigned();
      // Other members export the series of their own tables.
      const lags = [...partitions].filter(([partition]) => owned.includes(partition));
      telemetry.lagMeasured(lags.map(([partition, { lag }]) => ({ topic, partition, records: Number(lag) })));
    },
    onGroup: (view) => {
      const seen = view && { members: view.members.length, unowned: view.unowned_partitions.length };
      telemetry.groupSeen({ group, topic, seen });
      status.groupSeen(view ?? null);
    },
    onError: (error) => log('debug', 'the consumer lag or the group could not be read', { error: error.message }),
  };
}

/** `mode`: what kind of daemon it is, where that has to be said. */
export function healthOf(source: RecordSource, mode: string | undefined) {
  return {
    mode,
    live: () => source.state() !== 'failed' || 'the consumer has failed',
    ready: () => source.state() === 'running' || notReady(source),
  };
}

function notReady(source: RecordSource): string {
  return `the consumer is ${source.state()}${source.problem() ? `: ${reasonOf(source)}` : ''}`;
}

/** What ended the last consumer, until another one has joined; else null. */
export function reasonOf(source: RecordSource): string | null {
  const problem = source.problem();
  return problem ? `${problem.code}: ${problem.message}. ${problem.hint}` : null;
}
