/** What a daemon has of Kafka, and what it has instead where the configuration leaves Kafka out. */
import type { Config } from '../config/schema.ts';
import type { Broker } from '../control/control-topic.ts';
import { noSource } from '../kafka/consumer/no-source.ts';
import type { RecordSource } from '../kafka/consumer/source.ts';
import { openSource } from '../kafka/consumer/source.ts';
import { openLag } from '../kafka/lag.ts';
import { prepareTopics } from '../kafka/prepare-topics.ts';
import type { RecordProducer } from '../kafka/producer.ts';
import type { Cleanup } from '../lib/cleanup.ts';
import type { LagParts, SourceParts } from './kafka-hooks.ts';
import { lagHooks, sourceHooks, stateHooks } from './kafka-hooks.ts';
import { kafkaSettings, topicShape } from './kafka-settings.ts';
import type { OutputParts, Outputs } from './open-outputs.ts';
import { openOutputs, outputsWithoutBroker } from './open-outputs.ts';

/** The records of the topic; without Kafka there are none. */
export function openIntake(config: Config, parts: SourceParts): RecordSource {
  if (config.kafka === undefined) return noSource(stateHooks(parts));
  const settings = kafkaSettings(config);
  return openSource(settings, sourceHooks(settings, parts));
}

/** The open broker, as far as it is written to. */
export type OpenBroker = Broker & { readonly publish: RecordProducer['send'] };

/** What goes out. `broker` is undefined without Kafka. */
export function openOutlets(config: Config, parts: OutputParts): { outputs: Outputs; broker: OpenBroker | undefined } {
  if (config.kafka === undefined) return { outputs: outputsWithoutBroker(parts), broker: undefined };
  const settings = kafkaSettings(config);
  const { outputs, notifications, publish } = openOutputs(settings, parts);
  const topicsReady = prepareTopics(settings, topicShape(config), parts.log, parts.signal);
  return { outputs, broker: { settings, notifications, publish, topicsReady } };
}

/** Measures the lag and looks at the group from when the topics are known on. Without Kafka there is neither. */
export function watchLag(config: Config, broker: Broker | undefined, parts: LagParts, cleanup: Cleanup): void {
  if (config.kafka === undefined || broker === undefined) return;
  const { settings, topicsReady } = broker;
  const lag = openLag(settings, config.kafka.lag_interval_ms, lagHooks(settings, parts));
  parts.ownership.onAssigned(() => {
    // What the broker told of the group before the rebalance is out of date.
    parts.status.groupSeen(null);
    lag.soon();
  });
  cleanup.defer(() => lag.stop());
  void topicsReady.then(() => lag.start());
}
