/** `kafka`: how segmentd reaches the brokers and how it reads. Defaults are constants with the reason for their value. */
import * as z from 'zod';
import { checkedText, milliseconds, option, optionalSection, path, pathText, secret, section, text } from './option.ts';

const BROKERS = ['localhost:9092']; // where a broker listens on a developer's machine
const CLIENT_ID = 'segmentd'; // shows up in broker logs and quotas
const GROUP_ID = 'segmentd'; // members that share it share the work
export const TOPIC = 'segmentd.append-events';
const DEAD_LETTER_TOPIC = 'segmentd.dead-letters';
const CREATE_PARTITIONS = 12; // bounds the members of the group; divides evenly by 1, 2, 3, 4, 6 and 12
const REPLICATION_FACTOR = -1; // Kafka's own way to say "what the broker is set to"
const SESSION_TIMEOUT_MS = 30_000; // a stop-the-world pause of some seconds must not move partitions
const HEARTBEAT_INTERVAL_MS = 3_000; // a tenth of the session: nine may be lost
const REBALANCE_TIMEOUT_MS = 60_000; // twice the session, for members that first finish a build
export const CONNECTION_TIMEOUT_MS = 10_000; // TLS across regions included
export const REQUEST_TIMEOUT_MS = 10_000; // bounds how long a hung broker can delay a shutdown
const MAX_WAIT_MS = 250; // an idle fetch this long is also the latency of resuming and of stopping
const MAX_BYTES_PER_PARTITION = 1_048_576; // Kafka's default; thousands of append events
const MAX_IN_FLIGHT = 5_000; // unacked records; a few hundred bytes each, so a few MiB at most
const COMMIT_INTERVAL_MS = 1_000; // a crash replays at most this much, and replay is harmless
const LAG_INTERVAL_MS = 15_000; // once per Prometheus scrape

// No IPv6 literals: kafkajs splits the address at its first colon.
export const BROKER = /^[^\s:,/[\]]+:\d{1,5}$/;
const file = (doc: string) => path(pathText().optional(), doc);

/** What brokers take as the name of a topic. */
const TOPIC_NAME = String.raw`(?!\.{1,2}\s*$)[A-Za-z0-9._\-]{1,249}`;
const LEGAL_TOPIC = new RegExp(`^${TOPIC_NAME}$`);
const topic = () =>
  checkedText(
    (name) =>
      LEGAL_TOPIC.test(name)
        ? undefined
        : `no broker takes a topic ${JSON.stringify(name)}: 1 to 249 letters, digits, ".", "_" and "-", and neither "." nor ".."`,
    String.raw`^\s*${TOPIC_NAME}\s*$`,
  );

const DOC =
  'The Kafka cluster and the consumer group. Left out, there is no broker: the daemon is alone and polls each table every ' +
  '`sweep.interval_s`. One option of it switches Kafka on, and the others have their defaults.';
const EMPTY = 'is empty: name kafka.brokers, or leave the section out for a daemon that polls the tables without Kafka';

export const kafka = optionalSection(DOC, EMPTY, {
  brokers: option(
    z.array(z.string().regex(BROKER, 'a broker is written host:port')).min(1).default(BROKERS),
    'Brokers to bootstrap from, each `host:port`.',
  ),
  client_id: option(text().default(CLIENT_ID), 'Client id, as seen in broker logs and quotas.'),
  group_id: option(text().default(GROUP_ID), 'Consumer group. Members of one group share the tables.'),
  topic: option(topic().default(TOPIC), 'Topic of append events.'),
  dead_letter_topic: option(topic().default(DEAD_LETTER_TOPIC), 'Topic for records that are not usable append events.'),
  control_topic: option(
    topic().optional(),
    'Topic of commands for tables (refresh, pause, resume, status); none unless set.',
  ),
  notification_topic: option(
    topic().optional(),
    'Topic of notifications, one for each commit and merge; none unless set.',
  ),
  create_topics: section(
    'Creation of missing topics at start: those of events, dead letters, commands and notifications.',
    {
      enabled: option(z.boolean().default(false), 'Create missing topics at start.'),
      partitions: option(z.int().min(1).max(10_000).default(CREATE_PARTITIONS), 'Partitions of a created topic.'),
      replication_factor: option(
        z
          .int()
          .min(-1)
          .max(32_767)
          .refine((factor) => factor !== 0, 'a topic has at least one replica; -1 takes the broker default')
          .meta({ not: { const: 0 } })
          .default(REPLICATION_FACTOR),
        'Replicas of a created topic; -1 takes the broker default.',
      ),
    },
  ),
  ssl: section('TLS to the brokers.', {
    enabled: option(z.boolean().default(false), 'Connect with TLS.'),
    ca_file: file('PEM file of the authorities to trust instead of the system ones.'),
    cert_file: file('PEM file of the client certificate; goes with `key_file`.'),
    key_file: file('PEM file of the client key; goes with `cert_file`.'),
    reject_unauthorized: option(z.boolean().default(true), 'Refuse brokers whose certificate cannot be verified.'),
    server_name: option(text().optional(), 'Name expected in the broker certificate, if not the host name.'),
  }),
  sasl: section('SASL authentication. On when `mechanism` is set.', {
    mechanism: option(z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).optional(), 'SASL mechanism.'),
    username: option(text().optional(), 'User name.'),
    password: secret('Password; or use `password_file`.'),
    password_file: file('File that holds the password; one trailing newline is dropped.'),
  }),
  session_timeout_ms: option(
    milliseconds(1_000).default(SESSION_TIMEOUT_MS),
    'Silence after which the broker gives the partitions of a member to others.',
  ),
  heartbeat_interval_ms: option(
    milliseconds(100).default(HEARTBEAT_INTERVAL_MS),
    'Time between heartbeats; at most a third of `session_timeout_ms`.',
  ),
  rebalance_timeout_ms: option(
    milliseconds(1_000).default(REBALANCE_TIMEOUT_MS),
    'Time members have to rejoin during a rebalance.',
  ),
  connection_timeout_ms: option(milliseconds(100).default(CONNECTION_TIMEOUT_MS), 'Limit for connecting to a broker.'),
  request_timeout_ms: option(milliseconds(100).default(REQUEST_TIMEOUT_MS), 'Limit for one request to a broker.'),
  max_wait_ms: option(milliseconds(1).default(MAX_WAIT_MS), 'How long a fetch may wait for new records.'),
  max_bytes_per_partition: option(
    z.int().min(1_024).max(1_073_741_824).default(MAX_BYTES_PER_PARTITION),
    'Most bytes fetched from one partition at a time.',
  ),
  max_in_flight: option(
    z.int().min(1).max(1_000_000).default(MAX_IN_FLIGHT),
    'Records handed out and not yet acknowledged, 64 MiB of them at most; reading of a partition pauses when as many again wait.',
  ),
  commit_interval_ms: option(milliseconds(10).default(COMMIT_INTERVAL_MS), 'Time between offset commits.'),
  lag_interval_ms: option(milliseconds(1_000).default(LAG_INTERVAL_MS), 'Time between measurements of consumer lag.'),
});
