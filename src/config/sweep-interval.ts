/** How often every table is planned without an event. */
import type { Config } from './schema.ts';

/** Beside events. What LanceDB Enterprise does. */
const WITH_KAFKA_S = 600;
/** Where nothing else finds an append. A table that has not changed costs a request. */
const WITHOUT_KAFKA_S = 10;

/** Seconds; 0 for never. */
export const sweepSeconds = ({ sweep, kafka }: Pick<Config, 'sweep' | 'kafka'>): number =>
  sweep.interval_s ?? (kafka === undefined ? WITHOUT_KAFKA_S : WITH_KAFKA_S);

/** What a daemon without Kafka is like, in words for people; undefined with Kafka. */
export function withoutBroker(config: Pick<Config, 'sweep' | 'kafka'>): string | undefined {
  return config.kafka === undefined ? `no broker: polls every ${sweepSeconds(config)} s` : undefined;
}
