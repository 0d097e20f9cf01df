/** Publishes an append event. */
import { loadConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { kafkaSettings } from '../../daemon/kafka-settings.ts';
import { encodeAppendEvent } from '../../events/append-event.ts';
import { MAX_NOTE_CHARS } from '../../events/append-fields.ts';
import { resolveTable } from '../../events/table-address.ts';
import { SegmentdError } from '../../lib/errors.ts';
import type { AnnounceAnswer } from '../tables/json-answers.ts';
import type { Invocation } from '../terminal/io.ts';
import { printJson, printLine } from '../terminal/output.ts';

export type AnnounceOptions = {
  config?: string;
  brokers?: string;
  topic?: string;
  version?: number;
  rows?: number;
  producer?: string;
  timeout: number;
  json?: boolean;
};

/** Errors: usage, config_*, event_*, broker_*. */
export async function announce(io: Invocation, address: string, options: AnnounceOptions): Promise<void> {
  if ((options.producer?.length ?? 0) > MAX_NOTE_CHARS) {
    throw new SegmentdError('usage', `--producer has at most ${MAX_NOTE_CHARS} characters`);
  }
  const config = configFor(io, address, options);
  const databases = new Map(Object.entries(config.databases).map(([name, { uri }]) => [name, uri]));
  const event = {
    table: resolveTable(databases, address),
    time: new Date().toISOString(),
    ...(options.version === undefined ? {} : { version: options.version }),
    ...(options.rows === undefined ? {} : { rows: options.rows }),
    ...(options.producer === undefined ? {} : { producer: options.producer }),
  };
  const { openProducer } = await import('../../kafka/producer.ts');
  const settings = kafkaSettings(config);
  const { topic } = settings;
  const producer = openProducer(settings);
  try {
    await producer.send(topic, [encodeAppendEvent(event)], { deadlineMs: options.timeout });
  } finally {
    await producer.close();
  }
  const answer: AnnounceAnswer = { table: event.table.id, topic, time: event.time };
  if (options.json) printJson(io.stdout, answer);
  else printLine(io.stdout, `announced ${event.table.id} on ${topic}`);
}

/** Writers need no list of databases: without a configuration the one in the address is taken as it is. */
function configFor(
  { env, cwd }: Invocation,
  address: string,
  { config: file, brokers, topic }: AnnounceOptions,
): Config {
  const [database = ''] = address.split('/');
  const nameless = file === undefined && !env.SEGMENTD_CONFIG && !env.SEGMENTD_DATABASES;
  return loadConfig({
    file,
    cwd,
    env: {
      ...env,
      ...(nameless && /^[a-z0-9][a-z0-9_-]*$/.test(database)
        ? { SEGMENTD_DATABASES: `{${database}: /${database}}` }
        : {}),
      ...(brokers === undefined ? {} : { SEGMENTD_KAFKA_BROKERS: brokers }),
      ...(topic === undefined ? {} : { SEGMENTD_KAFKA_TOPIC: topic }),
    },
  });
}
