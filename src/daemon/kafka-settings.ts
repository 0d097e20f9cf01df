/** The settings of `kafka/`, made from the configuration. */
import type { Config } from '../config/schema.ts';
import type { KafkaSettings } from '../kafka/client.ts';
import type { TopicShape } from '../kafka/topics.ts';
import { SegmentdError } from '../lib/errors.ts';

/** No option: a request a minute costs a broker next to nothing. */
const METADATA_MAX_AGE_MS = 60_000;

/** Errors: config_without_kafka. */
export function kafkaSettings({ kafka }: Pick<Config, 'kafka'>): KafkaSettings {
  if (kafka === undefined) throw new SegmentdError('config_without_kafka', 'there is no kafka in the configuration');
  const { mechanism, username, password, password_file: passwordFile } = kafka.sasl;
  return {
    brokers: kafka.brokers,
    clientId: kafka.client_id,
    ssl: {
      enabled: kafka.ssl.enabled,
      caFile: kafka.ssl.ca_file,
      certFile: kafka.ssl.cert_file,
      keyFile: kafka.ssl.key_file,
      rejectUnauthorized: kafka.ssl.reject_unauthorized,
      serverName: kafka.ssl.server_name,
    },
    sasl: mechanism && { mechanism, username: username ?? '', password, passwordFile },
    connectionTimeoutMs: kafka.connection_timeout_ms,
    requestTimeoutMs: kafka.request_timeout_ms,
    groupId: kafka.group_id,
    topic: kafka.topic,
    deadLetterTopic: kafka.dead_letter_topic,
    controlTopic: kafka.control_topic,
    notificationTopic: kafka.notification_topic,
    sessionTimeoutMs: kafka.session_timeout_ms,
    heartbeatIntervalMs: kafka.heartbeat_interval_ms,
    rebalanceTimeoutMs: kafka.rebalance_timeout_ms,
    maxWaitMs: kafka.max_wait_ms,
    maxBytesPerPartition: kafka.max_bytes_per_partition,
    maxInFlight: kafka.max_in_flight,
    commitIntervalMs: kafka.commit_interval_ms,
    metadataMaxAgeMs: METADATA_MAX_AGE_MS,
  };
}

/** How missing topics are created; undefined when they are not. */
export function topicShape({ kafka }: Pick<Config, 'kafka'>): TopicShape | undefined {
  const options = kafka?.create_topics;
  if (!options?.enabled) return undefined;
  return { partitions: options.partitions, replicationFactor: options.replication_factor };
}

/** What is shown of a daemon among others, where Kafka knows it by that. */
export const clientIdOf = ({ kafka }: Pick<Config, 'kafka'>): string => kafka?.client_id ?? 'segmentd';
