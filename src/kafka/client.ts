import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import type { KafkaConfig, LogEntry, SASLOptions } from 'kafkajs';
import { Kafka, logLevel } from 'kafkajs';
import { messageOf } from '../lib/errors.ts';
import { lastGood } from '../lib/last-good.ts';
import { registerCodecs } from './codecs.ts';
import { patchRequestQueue } from './request-queue-patch.ts';

/** The settings of a connection to a Kafka cluster. Times in milliseconds. */
export type ConnectionSettings = {
  /** `host:port` each. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly ssl: TlsSettings;
  readonly sasl?: SaslSettings | undefined;
  readonly connectionTimeoutMs: number;
  readonly requestTimeoutMs: number;
};

/** The settings of a Kafka cluster. Times in milliseconds, sizes in bytes. */
export type KafkaSettings = ConnectionSettings & {
  readonly groupId: string;
  readonly topic: string;
  readonly deadLetterTopic: string;
  readonly controlTopic?: string | undefined;
  readonly notificationTopic?: string | undefined;
  /** After this long without a heartbeat the broker gives our partitions to another member. */
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** How long members have to join again when the group changes. */
  readonly rebalanceTimeoutMs: number;
  /** How long the broker may hold an empty fetch. It is also the time that resuming a partition and stopping take. */
  readonly maxWaitMs: number;
  readonly maxBytesPerPartition: number;
  /** Records handed out and not yet acknowledged, over all partitions. */
  readonly maxInFlight: number;
  readonly commitIntervalMs: number;
  /** New partitions of the topic are noticed after at most this long. */
  readonly metadataMaxAgeMs: number;
};

export type TlsSettings = {
  readonly enabled: boolean;
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly rejectUnauthorized: boolean;
  readonly serverName?: string | undefined;
};

export type SaslSettings = {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password?: string | undefined;
  /** Read at each connect, so that a rotated password is picked up. One trailing line end is not part of it. */
  readonly passwordFile?: string | undefined;
};

export type KafkaLog = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields: Readonly<Record<string, unknown>>,
) => void;

/**
 * Inside one call of the client. Few and explicit: the daemon retries above with a fresh client, and the library's own default
 * depends on NODE_ENV.
 */
export const CLIENT_RETRY = {
  initialRetryTime: 200,
  maxRetryTime: 2_000,
  retries: 4,
  factor: 0.2,
  multiplier: 2,
} as const;

/**
 * A client that reads its secrets and certificates anew for each connection, so that rotated files are picked up. Make one for each consumer: two consumers of one client and group share
 * their committed offsets. Rejects with the errno of a certificate or password file that cannot be read; when one is read again, what it
 * held last counts meanwhile.
 */
export async function openClient(settings: ConnectionSettings, log: KafkaLog): Promise<Kafka> {
  registerCodecs();
  patchRequestQueue((reason) => log('warn', 'The timers of idle connections are not patched', { reason }));
  const ssl = tlsOptions(settings.ssl, log);
  const sasl = saslOptions(settings.sasl, log);
  const config: KafkaConfig = {
    clientId: settings.clientId,
    brokers: [...settings.brokers],
    ssl,
    connectionTimeout: settings.connectionTimeoutMs,
    authenticationTimeout: settings.requestTimeoutMs,
    requestTimeout: settings.requestTimeoutMs,
    enforceRequestTimeout: true,
    retry: CLIENT_RETRY,
    logLevel: logLevel.INFO,
    logCreator: () => (entry) => forward(entry, log),
  };
  return new Kafka(sasl === undefined ? config : { ...config, sasl });
}

/** The content of a file, at each call; undefined without a file. */
function fresh(file: string | undefined, log: KafkaLog): () => string | undefined {
  if (file === undefined) return () => undefined;
  return lastGood(
    () => readFileSync(file, 'utf8'),
    (error) => log('warn', 'A file cannot be read again; what it held last is used', { file, error: messageOf(error) }),
  );
}

/** The library copies the options for each connection, and so asks the getters. */
function tlsOptions(tls: TlsSettings, log: KafkaLog): ConnectionOptions | false {
  if (!tls.enabled) return false;
  const [ca, cert, key] = [fresh(tls.caFile, log), fresh(tls.certFile, log), fresh(tls.keyFile, log)];
  return {
    rejectUnauthorized: tls.rejectUnauthorized,
    get ca() {
      return ca();
    },
    get cert() {
      return cert();
    },
    get key() {
      return key();
    },
    ...(tls.serverName !== undefined && { servername: tls.serverName }),
  };
}

/** The library asks for the password when it authenticates a connection. */
function saslOptions(sasl: SaslSettings | undefined, log: KafkaLog): SASLOptions | undefined {
  if (sasl === undefined) return undefined;
  const fromFile = fresh(sasl.passwordFile, log);
  return {
    mechanism: sasl.mechanism,
    username: sasl.username,
    get password() {
      return fromFile()?.replace(/\r?\n$/, '') ?? sasl.password ?? '';
    },
  };
}

/**
 * The library logs steps of its own recovery as errors, such as a heartbeat answered with "rebalancing".
 * The hooks of the source report what matters to operators; everything else is logged one level lower.
 */
function forward({ namespace, level, log: entry }: LogEntry, log: KafkaLog): void {
  const { message, timestamp: _, stack: __, logger: ___, ...fields } = entry;
  const routine = namespace === 'Connection' && message.startsWith('Response ');
  const kept = level <= logLevel.WARN && !routine ? 'warn' : 'debug';
  log(kept, `kafkajs: ${message}`, { ...fields, namespace });
}
