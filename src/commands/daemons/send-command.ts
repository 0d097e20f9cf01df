/** Sends `pause`, `resume` and `refresh` to the daemons: through a control listener, else over the control topic. */
import { hostname, userInfo } from 'node:os';
import type { Environment } from '../../config/env.ts';
import { loadConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { encodeCommand } from '../../control/commands.ts';
import { kafkaSettings } from '../../daemon/kafka-settings.ts';
import { resolveTable } from '../../events/table-address.ts';
import { SegmentdError } from '../../lib/errors.ts';
import type { SteerAnswer } from '../tables/json-answers.ts';
import type { Invocation } from '../terminal/io.ts';
import { printJson, printLine } from '../terminal/output.ts';
import type { ControlListener } from './control-client.ts';
import { configuredListener, nameOf, postCommand, tokenIn } from './control-client.ts';

export type SteerOptions = {
  config?: string;
  daemon?: string;
  tokenFile?: string;
  timeout: number;
  force?: boolean;
  json?: boolean;
};

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
  const config = configFor(io, address, options);
  const databases = new Map(Object.entries(config.databases).map(([name, { uri }]) => [name, uri]));
  const { id } = resolveTable(databases, address);
  const listener = listenerOf(io, config, options);
  const topic = config.kafka?.control_topic;
  const overTopic = (name: string) => publish(io, config, name, command, id, options.timeout);
  let sent: Sent;
  if (listener === undefined) {
    if (topic === undefined) throw new SegmentdError('config_invalid', NO_WAY);
    sent = await overTopic(topic);
  } else {
    io.doing(`waiting for ${nameOf(listener)}`);
    sent = await overListener(listener, command, id, options).catch((error: unknown) => {
      const isDown = error instanceof SegmentdError && error.code === 'daemon_unavailable';
      if (!isDown || topic === undefined || options.daemon !== undefined) throw error;
      return overTopic(topic);
    });
  }
  const answer: SteerAnswer = { table: id, command, ...sent };
  if (options.json) printJson(io.stdout, answer);
  else printLine(io.stdout, said(answer));
}

const NO_WAY =
  'no daemon can be reached: neither the control listener (admin.token or admin.token_file) nor kafka.control_topic is set, and no --daemon is given';

function listenerOf(
  { cwd }: Invocation,
  config: Config,
  { daemon, tokenFile }: SteerOptions,
): ControlListener | undefined {
  const configured = configuredListener(config);
  const token = tokenIn(tokenFile, cwd) ?? configured?.token;
  const url = daemon ?? configured?.url;
  if (url === undefined) return undefined;
  if (!URL.canParse(url) || !/^https?:/.test(url)) {
    throw new SegmentdError('usage', '--daemon is the URL of a control listener, such as http://127.0.0.1:9465');
  }
  if (token === undefined) {
    throw new SegmentdError(
      'usage',
      '--daemon needs the token of its admin.token: give --token-file, or set SEGMENTD_ADMIN_TOKEN',
    );
  }
  return daemon === undefined && configured !== undefined ? { ...configured, token } : { url, token };
}

/** With a daemon that is named no list of databases is needed: the one in the address is taken as it is. */
function configFor({ env, cwd }: Invocation, address: string, { config: file, daemon }: SteerOptions): Config {
  const [database = ''] = address.split('/');
  const isNameless = file === undefined && !env.SEGMENTD_CONFIG && !env.SEGMENTD_DATABASES;
  const isNamed = daemon !== undefined && isNameless && /^[a-z0-9][a-z0-9_-]*$/.test(database);
  const more: Environment = isNamed ? { SEGMENTD_DATABASES: `{${database}: /${database}}` } : {};
  return loadConfig({ file, cwd, env: { ...env, ...more } });
}

async function overListener(
  listener: ControlListener,
  command: Verb,
  table: string,
  { timeout: timeoutMs, force }: SteerOptions,
): Promise<Sent> {
  const { state, paused } = await postCommand(listener, table, command, { timeoutMs, force });
  return { via: 'listener', daemon: nameOf(listener), topic: null, state: String(state), paused: paused === true };
}

async function publish(
  io: Invocation,
  config: Config,
  topic: string,
  command: Verb,
  table: string,
  deadlineMs: number,
): Promise<Sent> {
  io.doing('waiting for the broker');
  const { openProducer } = await import('../../kafka/producer.ts');
  const producer = openProducer(kafkaSettings(config));
  try {
    await producer.send(topic, [encodeCommand({ command, table, by: whoAsks(), time: new Date().toISOString() })], {
      deadlineMs,
    });
  } finally {
    await producer.close();
  }
  return { via: 'topic', daemon: null, topic, state: null, paused: null };
}

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
