/** Options that several commands have, and parsers of option values. */
import { InvalidArgumentError, Option } from 'commander';
import { byteSize, LEAST_SORT_BYTES } from '../lib/byte-size.ts';
import { durationMs } from '../lib/duration.ts';
import { ownTemporaryFolder, ownTemporaryText, SCRATCH_NAME } from '../lib/own-folder.ts';

/** `--scratch-dir`, with the default of `state.scratch_dir`. */
export function scratchDirOption(): Option {
  const option = new Option('--scratch-dir <dir>', 'folder for segments before their upload');
  return option.default(ownTemporaryFolder(SCRATCH_NAME), ownTemporaryText(SCRATCH_NAME));
}

/** `--memory`, as `build.memory_bytes` of the daemon. */
export function memoryOption(): Option {
  return new Option(
    '--memory <size>',
    'memory to sort in, such as 512MiB or 1GiB; default: a quarter of what the process may use, at most 2GiB',
  ).argParser(memoryBytes);
}

export function memoryBytes(text: string): number {
  const bytes = byteSize(text);
  if (bytes === null) throw new InvalidArgumentError('expected a number with its unit: MiB or GiB');
  if (bytes < LEAST_SORT_BYTES) throw new InvalidArgumentError('expected at least 64MiB');
  return bytes;
}

/** A version of a table. */
export function versionNumber(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('expected a whole number of at least 1');
  return Number(text);
}

/** A whole number from 1 to ten digits. */
export function atLeastOne(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError('expected a whole number of at least 1');
  return Number(text);
}

/** `--config` of the commands that need a configuration. */
export function configOption(): Option {
  return new Option('-c, --config <file>', 'configuration file; SEGMENTD_CONFIG names it too');
}

/** The meaning of an argument that is a table of a configured database. */
export const CONFIGURED_TABLE = 'the table as <database>/<table>, or its path or URI in a configured database';

/** A number of rows, which may be written as 5,000,000. */
export function rowsOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => atLeastOne(text.replaceAll(',', '')));
}

/** `--timeout`: what it `limits`, and the default in seconds. Its value is in milliseconds. */
export function timeoutOption(limits: string, seconds: number): Option {
  return new Option('--timeout <time>', `${limits}, such as 500ms, 30s or 5m`)
    .argParser(duration)
    .default(seconds * 1000, `${seconds}s`);
}

export function duration(text: string): number {
  const ms = durationMs(text);
  if (ms === null) throw new InvalidArgumentError('expected a number with its unit: ms, s, m, h or d');
  return ms;
}

/** `--token-file`, for requests to a daemon. */
export const tokenFileOption = (): Option =>
  new Option('--token-file <file>', 'file with the token of the daemon; SEGMENTD_ADMIN_TOKEN has the token too');

/** `--ca-file`, likewise. */
export const caFileOption = (): Option =>
  new Option(
    '--ca-file <file>',
    'PEM file with the certificate of the daemon, or of its authority; NODE_EXTRA_CA_CERTS names one too',
  );
