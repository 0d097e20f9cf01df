/** Publishes an append event. */
import type { Environment } from '../../config/env.ts';
import { kafkaSettings } from '../../daemon/kafka-settings.ts';
import { encodeAppendEvent } from '../../events/append-event.ts';
import { MAX_NOTE_CHARS } from '../../events/append-fields.ts';
import { SegmentdError } from '../../lib/errors.ts';
import { timeLeft } from '../../lib/time-left.ts';
import type { AnnounceAnswer } from '../tables/json-answers.ts';
import type { Invocation } from '../terminal/io.ts';
import { printJson, printLine } from '../terminal/output.ts';
import { askedTable, refuseMissing } from './configured-table.ts';

export type AnnounceOptions = {
  config?: string;
  brokers?: string;
  topic?: string;
  version?: number;
  rows?: number;
  producer?: string;
  timeout: number;
  force?: boolean;
  json?: boolean;
};

/** Errors: usage, config_*, event_*, broker_*. */
export async function announce(io: Invocation, address: string, options: AnnounceOptions): Promise<void> {
  if ((options.producer?.length ?? 0) > MAX_NOTE_CHARS) {
    throw new SegmentdError('usage', `--producer has at most ${MAX_NOTE_CHARS} characters`);
  }
  const left = timeLeft(options.timeout);
  const asked = askedTable(io, address, { file: options.config, more: variablesOf(options), isNameEnough: true });
  const { config, table } = asked;
  const settings = kafkaSettings(config);
  if (asked.isPlaceKnown && !options.force) {
    await refuseMissing(io, asked, { timeoutMs: left(), hint: 'Check the name; --force announces it all the same.' });
  }
  const event = {
    table,
    time: new Date().toISOString(),
    ...(options.version === undefined ? {} : { version: options.version }),
    ...(options.rows === undefined ? {} : { rows: options.rows }),
    ...(options.producer === undefined ? {} : { producer: options.producer }),
  };
  io.doing('waiting for the broker');
  const { openProducer } = await import('../../kafka/producer.ts');
  const { topic } = settings;
  const producer = openProducer(settings);
  try {
    await producer.send(topic, [encodeAppendEvent(event)], { deadlineMs: left() });
  } finally {
    await producer.close();
  }
  const answer: AnnounceAnswer = { table: event.table.id, topic, time: event.time };
  if (options.json) printJson(io.stdout, answer);
  else printLine(io.stdout, `announced ${event.table.id} on ${topic}`);
}

const variablesOf = ({ brokers, topic }: AnnounceOptions): Environment => ({
  ...(brokers === undefined ? {} : { SEGMENTD_KAFKA_BROKERS: brokers }),
  ...(topic === undefined ? {} : { SEGMENTD_KAFKA_TOPIC: topic }),
});
