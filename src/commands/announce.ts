import { Command, InvalidArgumentError } from 'commander';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { kafkaSettings } from '../daemon/kafka-settings.ts';
import { encodeAppendEvent } from '../events/append-event.ts';
import { MAX_NOTE_CHARS } from '../events/append-fields.ts';
import { resolveTable } from '../events/table-address.ts';
import { timeoutOption, versionNumber } from './arguments.ts';
import type { AnnounceAnswer } from './tables/json-answers.ts';
import type { Invocation } from './terminal/io.ts';
import { printJson, printLine } from './terminal/output.ts';

/** Seconds: longer than a broker's restart, shorter than a person's patience. */
const TIMEOUT_S = 15;

type Options = {
  config?: string;
  brokers?: string;
  topic?: string;
  version?: number;
  rows?: number;
  producer?: string;
  timeout: number;
  json?: boolean;
};

export function announceCommand(io: Invocation): Command {
  return new Command('announce')
    .description('publish an append event for a table')
    .argument('<table>', 'the table as <database>/<table>, or its path or URI in a configured database')
    .option('-c, --config <file>', 'configuration file')
    .option('--brokers <list>', 'host:port[,host:port], instead of kafka.brokers')
    .option('--topic <name>', 'topic, instead of kafka.topic')
    .option('--version <n>', 'version that the append produced', versionNumber)
    .option('--rows <n>', 'rows appended, for the log', count)
    .option('--producer <name>', 'who appended, for the log', note, 'segmentd announce')
    .addOption(timeoutOption('how long to wait for the broker', TIMEOUT_S))
    .option('--json', 'print one JSON object')
    .action((table: string, options: Options) => announce(io, table, options));
}

function count(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('expected a whole number');
  return Number(text);
}

function note(text: string): string {
  if (text.length > MAX_NOTE_CHARS) throw new InvalidArgumentError(`expected at most ${MAX_NOTE_CHARS} characters`);
  return text;
}

async function announce(io: Invocation, address: string, options: Options): Promise<void> {
  const config = configFor(io, address, options);
  const databases = new Map(Object.entries(config.databases).map(([name, { uri }]) => [name, uri]));
  const event = {
    table: resolveTable(databases, address),
    time: new Date().toISOString(),
    ...(options.version === undefined ? {} : { version: options.version }),
    ...(options.rows === undefined ? {} : { rows: options.rows }),
    ...(options.producer === undefined ? {} : { producer: options.producer }),
  };
  const { openProducer } = await import('../kafka/producer.ts');
  const producer = openProducer(kafkaSettings(config));
  try {
    await producer.send(config.kafka.topic, [encodeAppendEvent(event)], { deadlineMs: options.timeout });
  } finally {
    await producer.close();
  }
  const answer: AnnounceAnswer = { table: event.table.id, topic: config.kafka.topic, time: event.time };
  if (options.json) printJson(io.stdout, answer);
  else printLine(io.stdout, `announced ${event.table.id} on ${config.kafka.topic}`);
}

/** Writers need no list of databases: without a configuration the one in the address is taken as it is. */
function configFor({ env, cwd }: Invocation, address: string, { config: file, brokers, topic }: Options): Config {
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
