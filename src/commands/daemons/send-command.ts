/** Sends `pause`, `resume` and `refresh` to the daemons: through a control listener, else over the control topic. */
import { hostname, userInfo } from 'node:os';
import type { Config } from '../../config/schema.ts';
import { encodeCommand } from '../../control/commands.ts';
import { kafkaSettings } from '../../daemon/kafka-settings.ts';
import { SegmentdError } from '../../lib/errors.ts';
import { timeLeft } from '../../lib/time-left.ts';
import type { SteerAnswer } from '../tables/json-answers.ts';
import type { Invocation } from '../terminal/io.ts';
import { printable, printJson, printLine } from '../terminal/output.ts';
import { askedTable, refuseMissing } from './configured-table.ts';
import type { ControlListener } from './control-client.ts';
import { configuredListener, postCommand } from './control-client.ts';
import type { DaemonOptions } from './daemon-address.ts';
import { daemonAt, givenCa, givenToken, HINTS, nameOf } from './daemon-address.ts';

export type SteerOptions = DaemonOptions & { config?: string; timeout: number; force?: boolean; json?: boolean };

type Verb = SteerAnswer['command'];
type Sent = Omit<SteerAnswer, 'table' | 'command'>;

/**
 * A daemon that is named has to answer. One that is only configured need not run: then the control topic, if there is one, has the command
 * for all that do. Errors: usage, config_*, event_*, daemon_unavailable, http_unauthorized, broker_*.
 */
export async function sendCommand(
  io: Invocation,
  command: Verb,
  address: string,
  options: SteerOptions,
): Promise<void> {
  const { config: file, daemon, timeout, force = false } = options;
  const left = timeLeft(timeout);
  const asked = askedTable(io, address, { file, isNameEnough: daemon !== undefined });
  const { config, table } = asked;
  const listener = listenerOf(io, config, options);
  const topic = daemon === undefined ? config.kafka?.control_topic : undefined;
  const overTopic = async (name: string) => {
    // Nobody answers there. One that is paused and gone is resumed by force: whether it is paused is not known here.
    if (!force) await refuseMissing(io, asked, { timeoutMs: left(), hint: MISSING[command] });
    return publish(io, config, { topic: name, command, table: table.id, left });
  };
  let sent: Sent;
  if (listener === undefined) {
    if (topic === undefined) throw new SegmentdError('config_invalid', NO_WAY);
    sent = await overTopic(topic);
  } else {
    io.doing(`waiting for ${nameOf(listener)}`);
    // Where there is another way, some time has to be left for it.
    const timeoutMs = topic === undefined ? left() : left() / 2;
    sent = await overListener(listener, command, table.id, { timeoutMs, force }).catch((error: unknown) => {
      const isDown = error instanceof SegmentdError && error.code === 'daemon_unavailable';
      if (!isDown || topic === undefined) throw error;
      return overTopic(topic);
    });
  }
  const answer: SteerAnswer = { table: table.id, command, ...sent };
  if (options.json) printJson(io.stdout, answer);
  else {
    printLine(io.stdout, printable(said(answer)));
    if (answer.survives_restart === false) printLine(io.stdout, ENDS);
  }
}

const ENDS = 'the pause ends with the process of that daemon: without kafka.control_topic nothing keeps it';

const NO_WAY =
  'no daemon can be reached: neither the control listener (admin.token or admin.token_file) nor kafka.control_topic is set, and no --daemon is given';

/** What to do about a table that is not there. */
const MISSING: Readonly<Record<Verb, string>> = {
  pause: 'Check the name; --force pauses a table that is yet to come.',
  resume: 'Check the name; --force resumes a table that was paused and is gone.',
  refresh: 'Check the name.',
};

function listenerOf(io: Invocation, config: Config, options: SteerOptions): ControlListener | undefined {
  const { daemon } = options;
  const configured = configuredListener(config);
  const listener = daemon === undefined ? configured : daemonAt(daemon, io.cwd);
  if (listener === undefined) return undefined;
  const token = givenToken(io, options) ?? configured?.token;
  if (token === undefined) {
    throw new SegmentdError('usage', '--daemon needs the token of its admin.token', { hint: HINTS.token });
  }
  const certFile = givenCa(io, options) ?? listener.certFile;
  return { ...listener, token, certFile };
}

async function overListener(
  listener: ControlListener,
  command: Verb,
  table: string,
  { timeoutMs, force }: { readonly timeoutMs: number; readonly force: boolean },
): Promise<Sent> {
  const asked = { timeoutMs, force, missing: MISSING[command] };
  const { state, paused, survives_restart: survives } = await postCommand(listener, table, command, asked);
  const told = { state: String(state), paused: paused === true, survives_restart: asBoolean(survives) };
  return { via: 'listener', daemon: nameOf(listener), topic: null, ...told };
}

type Published = {
  readonly topic: string;
  readonly command: Verb;
  readonly table: string;
  /** Milliseconds, at each call. */
  readonly left: () => number;
};

async function publish(io: Invocation, config: Config, { topic, command, table, left }: Published): Promise<Sent> {
  io.doing('waiting for the broker');
  const { openProducer } = await import('../../kafka/producer.ts');
  const producer = openProducer(kafkaSettings(config));
  try {
    const record = encodeCommand({ command, table, by: whoAsks(), time: new Date().toISOString() });
    await producer.send(topic, [record], { deadlineMs: left() });
  } finally {
    await producer.close();
  }
  return {
    via: 'topic',
    daemon: null,
    topic,
    state: null,
    paused: null,
    survives_restart: command === 'pause' || null,
  };
}

const asBoolean = (value: unknown) => (typeof value === 'boolean' ? value : null);

/** For logs and `/status`. */
function whoAsks(): string {
  return `${nameOfUser()}@${hostname()}`.slice(0, 200);
}

/** A process in a container may run as a user without a name. */
function nameOfUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

const DONE: Readonly<Record<Verb, string>> = { pause: 'is paused', resume: 'is resumed', refresh: 'is looked at now' };

function said({ table, command, daemon, topic, state }: SteerAnswer): string {
  if (topic !== null) return `${command} of ${table} is on ${topic}: every daemon of the group does it as it reads it`;
  return `${table} ${DONE[command]}, says ${daemon}; its state is ${state}`;
}
