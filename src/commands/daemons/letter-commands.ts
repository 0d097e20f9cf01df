/** `dead-letters list`, `show` and `replay`. */
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../../config/load.ts';
import { databasesOf } from '../../daemon/configured-stores.ts';
import { kafkaSettings } from '../../daemon/kafka-settings.ts';
import type { KafkaSettings } from '../../kafka/client.ts';
import { followTopic } from '../../kafka/follow-topic.ts';
import { asKafkaError } from '../../kafka/kafka-errors.ts';
import { openProducer } from '../../kafka/producer.ts';
import { replayMarks } from '../../kafka/replay-marks.ts';
import { partitionsOf } from '../../kafka/topics.ts';
import { SegmentdError } from '../../lib/errors.ts';
import { addressOf } from '../tables/given-place.ts';
import type { DeadLetterAnswer, DeadLetterFacts, DeadLettersAnswer, ReplayAnswer } from '../tables/json-answers.ts';
import type { Invocation } from '../terminal/io.ts';
import { counted, formatTable, printable, printableLines, printJson, printLine } from '../terminal/output.ts';
import type { Letter, LetterFilter } from './letters.ts';
import { LetterBox, notReplayable } from './letters.ts';

type BrokerOptions = { readonly config?: string; readonly timeout: number; readonly json?: boolean };
export type ListOptions = BrokerOptions & LetterFilter & { readonly limit: number };
export type ShowOptions = BrokerOptions;
export type ReplayOptions = BrokerOptions &
  LetterFilter & { readonly all?: boolean; readonly again?: boolean; readonly dryRun?: boolean };

/** Errors: usage for a code that no error has; config_*, broker_*, kafka_topic_missing. */
export async function listLetters(io: Invocation, options: ListOptions): Promise<void> {
  const { settings, box } = await readLetters(io, options);
  const letters = box.of(filterOf(io, box, options));
  const shown = letters.slice(0, options.limit);
  const topic = settings.deadLetterTopic;
  const answer: DeadLettersAnswer = { topic, found: letters.length, dead_letters: shown.map((it) => factsOf(box, it)) };
  if (options.json) return printJson(io.stdout, answer);
  const left = letters.length - shown.length;
  printLine(
    io.stdout,
    `${topic}  ${counted(letters.length, 'dead letter')}${left > 0 ? `, without the ${left} oldest` : ''}`,
  );
  if (shown.length > 0)
    printLine(io.stdout, formatTable(['position', 'dead since', 'code', 'table', 'replayed'], rowsOf(answer)));
}

/** A path is one from here. Errors: usage, for a code that neither an error of this version nor a letter has. */
function filterOf({ cwd }: Invocation, box: LetterBox, { table, ...filter }: LetterFilter): LetterFilter {
  const unknown = box.unknownCodes(filter.code ?? []);
  if (unknown.length > 0) {
    const hint = 'docs/errors.md lists all codes; `segmentd dead-letters list` shows those of the letters.';
    throw new SegmentdError('usage', `no error has the code ${unknown.join(', ')}`, { hint });
  }
  return { ...filter, table: table === undefined ? undefined : addressOf(table, cwd) };
}

/** Errors: usage. */
function refuseAbsent(box: LetterBox, positions: readonly string[], topic: string): void {
  const absent = box.absent(positions);
  if (absent.length === 0) return;
  const hint = '`segmentd dead-letters list` shows the positions of all letters that there are.';
  throw new SegmentdError('usage', `${topic} has no dead letter at ${absent.join(', ')}`, { hint });
}

const rowsOf = ({ dead_letters: letters }: DeadLettersAnswer) =>
  letters.map(({ position, at, code, table, replayed }) => [position, at, code, table ?? '-', replayed ? 'yes' : 'no']);

/** Errors: as listLetters, and usage where there is no letter. */
export async function showLetter(io: Invocation, position: string, options: ShowOptions): Promise<void> {
  const { settings, box } = await readLetters(io, options);
  const topic = settings.deadLetterTopic;
  refuseAbsent(box, [position], topic);
  const letter = box.of({ position: [position] })[0] as Letter;
  const answer: DeadLetterAnswer = {
    ...factsOf(box, letter),
    key: textOf(letter.key),
    headers: Object.fromEntries([...letter.headers].map(([name, content]) => [name, textOf(content) ?? ''])),
    value: textOf(letter.value),
  };
  if (options.json) return printJson(io.stdout, answer);
  const { code, message, source, key, headers, value, replayed, cannot_replay: cannot } = answer;
  const lines = [
    `${position} of ${topic}, dead since ${answer.at}${replayed ? ', replayed' : ''}`,
    `${code}: ${message}`,
    `from ${source ? `${source.topic} ${source.partition}:${source.offset}` : 'an unknown place'}`,
    ...(cannot === null ? [] : [`cannot be replayed: ${cannot}`]),
    `key: ${key ?? 'none'}`,
    ...Object.entries(headers).map(([name, content]) => `header ${name}: ${content}`),
  ];
  for (const line of lines) printLine(io.stdout, printable(line));
  printLine(io.stdout, `value:\n${printableLines(value ?? 'none')}`);
}

/**
 * Sends the oldest first. What was sent is marked, so that it is not sent again without `again`. Nothing is sent where a position has no
 * letter. Errors: as listLetters, usage for such a position, and event_too_large.
 */
export async function replayLetters(io: Invocation, options: ReplayOptions): Promise<void> {
  const { settings, box } = await readLetters(io, options);
  const filter = filterOf(io, box, options);
  refuseAbsent(box, options.position ?? [], settings.deadLetterTopic);
  const found = box.of(filter).reverse();
  const fresh = options.again ? found : found.filter((it) => !box.wasReplayed(it));
  const able = fresh.filter((it) => notReplayable(it) === undefined);
  if (!options.dryRun && able.length > 0) await send(io, settings, able, options.timeout);
  const answer: ReplayAnswer = {
    topic: settings.topic,
    dry_run: options.dryRun === true,
    replayed: able.map(({ position }) => position),
    before: found.length - fresh.length,
    cannot: fresh.flatMap((it) => {
      const reason = notReplayable(it);
      return reason === undefined ? [] : [{ position: it.position, reason }];
    }),
  };
  if (options.json) return printJson(io.stdout, answer);
  printReplay(
    io,
    answer,
    able.map((it) => factsOf(box, it)),
  );
}

function printReplay({ stdout }: Invocation, answer: ReplayAnswer, letters: readonly DeadLetterFacts[]): void {
  const { topic, dry_run: isDry, replayed, before, cannot } = answer;
  const done = replayed.length === 1 ? 'was' : 'were';
  printLine(stdout, `${counted(replayed.length, 'dead letter')} ${isDry ? 'would be' : done} sent to ${topic}`);
  if (before > 0) printLine(stdout, `${before} replayed before and left out; --again sends them too`);
  for (const { position, reason } of cannot) printLine(stdout, printable(`${position} cannot be replayed: ${reason}`));
  const rows = letters.map(({ position, at, code, table }) => [position, at, code, table ?? '-']);
  if (isDry && rows.length > 0) printLine(stdout, formatTable(['position', 'dead since', 'code', 'table'], rows));
}

/** Records in one request: a producer holds them all at once. */
const AT_ONCE = 500;

async function send(
  io: Invocation,
  settings: KafkaSettings,
  letters: readonly Letter[],
  deadlineMs: number,
): Promise<void> {
  const { topic, deadLetterTopic } = settings;
  const producer = openProducer(settings);
  try {
    for (let at = 0; at < letters.length; at += AT_ONCE) {
      io.doing(`sent ${at} of ${counted(letters.length, 'record')}`);
      const some = letters.slice(at, at + AT_ONCE);
      const records = some.map(({ key, value, headers }) => ({ key, value, headers: new Map(headers) }));
      await producer.send(topic, records, { deadlineMs });
      const marks = replayMarks(
        some.map(({ position }) => position),
        hostname(),
        new Date().toISOString(),
      );
      await producer.send(deadLetterTopic, [...marks], { deadlineMs });
    }
  } finally {
    await producer.close();
  }
}

/** Everything that the topic holds now. */
async function readLetters(io: Invocation, { config: file, timeout }: BrokerOptions) {
  const config = loadConfig({ file, env: io.env, cwd: io.cwd });
  const settings = kafkaSettings(config);
  const topic = settings.deadLetterTopic;
  io.doing('waiting for the broker');
  const late = sleep(timeout, undefined, { ref: false }).then(() => {
    throw new SegmentdError('broker_unavailable', `${topic}: no broker named its partitions in time`);
  });
  const partitions = await Promise.race([partitionsOf(settings, topic), late]);
  if (partitions === 0) throw new SegmentdError('kafka_topic_missing', `there is no topic ${topic}`);
  const box = new LetterBox(databasesOf(config));
  io.doing(`reading ${topic}`);
  const onRecord = (record: Parameters<LetterBox['add']>[0]) => box.add(record);
  // A daemon waits for as long as it takes, a command does not: what it may not read, or cannot, ends it.
  const { promise: failed, reject } = Promise.withResolvers<never>();
  const onFailure = (error: unknown) => reject(asKafkaError(error, { topic }));
  const reading = followTopic(settings, { topic, groupSuffix: 'dead-letters', onRecord, onFailure }, () => undefined);
  try {
    await Promise.race([reading.caughtUp, failed]);
  } finally {
    await reading.stop();
  }
  return { settings, box };
}

function factsOf(box: LetterBox, letter: Letter): DeadLetterFacts {
  const { position, atMs, code, message, table, source } = letter;
  const at = new Date(atMs).toISOString();
  return {
    position,
    at,
    code,
    message,
    table,
    source,
    replayed: box.wasReplayed(letter),
    cannot_replay: notReplayable(letter) ?? null,
  };
}

/** Bytes that are no UTF-8 become U+FFFD. */
const textOf = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());
