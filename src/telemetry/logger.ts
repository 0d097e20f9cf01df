/** The log: JSON lines (or plain ones for a terminal) on standard output, written synchronously so that a crash loses none. */
import type { Logger } from 'pino';
import { destination, pino, stdTimeFunctions } from 'pino';
import type { Config } from '../config/schema.ts';
import { prettyLine } from './pretty.ts';

export type { Logger };

export type LoggerOptions = {
  readonly level: Config['log']['level'];
  readonly format: Config['log']['format'];
  /** `--quiet`: warnings and errors only, whatever the level. */
  readonly quiet?: boolean;
  /** Takes whole lines; standard output unless given. */
  readonly write?: (line: string) => void;
};

/** Fields that may hold a secret at any depth. Events never log them; libraries may pass them along. */
const SECRETS = ['password', 'secret', 'storage_options', 'storageOptions', 'authorization'];
const QUIET = new Set(['trace', 'debug', 'info']);

const MESSAGE_CHARS = 1_000;

/** An error that a library threw, in short. Its other fields are left out: they may hold secrets. */
function errorInShort(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const { name, message, cause } = value;
  const { code } = value as { code?: unknown };
  return {
    name,
    ...(typeof code === 'string' ? { code } : {}),
    message: message.slice(0, MESSAGE_CHARS),
    ...(cause instanceof Error ? { cause: cause.message.slice(0, MESSAGE_CHARS) } : {}),
  };
}

/** The level that is in force. */
export const levelInForce = ({
  level,
  quiet = false,
}: Pick<LoggerOptions, 'level' | 'quiet'>): LoggerOptions['level'] => (quiet && QUIET.has(level) ? 'warn' : level);

/** A logger with ISO time, level names and secrets redacted. */
export function createLogger({ level, format, quiet = false, write }: LoggerOptions): Logger {
  const plain = write ?? standardOutput();
  const sink = format === 'pretty' ? (line: string) => plain(prettyLine(line)) : plain;
  return pino(
    {
      level: levelInForce({ level, quiet }),
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      serializers: { error: errorInShort },
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
    },
    { write: sink },
  );
}

/** Of log lines that standard output does not take. */
const MAX_WAITING_BYTES = 1024 * 1024;

function standardOutput(): (line: string) => void {
  const out = destination({ dest: 1, sync: true, maxLength: MAX_WAITING_BYTES });
  // A terminal that was closed or a disk that is full is no reason to end work: lines are lost meanwhile.
  out.on('error', () => undefined);
  return (line) => {
    out.write(line);
  };
}
