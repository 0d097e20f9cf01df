/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';
import type { Sizes } from './scenario.ts';

export type Arguments = {
  /** Of a scenario, or `all`. */
  readonly name: string;
  readonly quick: boolean;
  readonly json: boolean;
  /** Writes bench/results/<scenario>.json as well. */
  readonly save: boolean;
  /** `--set <size>=<value>`, as given. */
  readonly set: readonly string[];
  /** What the command takes, and nothing else. */
  readonly help: boolean;
};

/** Errors say what the command takes. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Throws UsageError. */
export function parseArguments(args: readonly string[], names: readonly string[]): Arguments {
  const { values, positionals } = parsed(args);
  const [name = '', ...more] = positionals;
  if (values.help) return { name, ...values };
  if (![...names, 'all'].includes(name)) {
    throw new UsageError(
      `${name === '' ? 'A scenario is missing' : `There is no scenario ${name}`}: ${names.join(', ')}, all`,
    );
  }
  if (more.length > 0) throw new UsageError(`One scenario at a time, or all: ${more.join(' ')} is too much`);
  if (name === 'all' && values.set.length > 0) throw new UsageError('--set is for a single scenario: sizes differ');
  return { name, ...values };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        json: { type: 'boolean', default: false },
        save: { type: 'boolean', default: false },
        set: { type: 'string', multiple: true, default: [] },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** The sizes with those replaced that `--set` names; lists are separated by commas. Throws UsageError for one of another kind. */
export function withSizes<S extends Sizes>(sizes: S, set: readonly string[]): S {
  const replaced: Record<string, Sizes[string]> = {};
  for (const text of set) {
    const [, name = '', value = ''] = /^([^=]+)=(.*)$/.exec(text) ?? [];
    const before = sizes[name];
    if (before === undefined) {
      throw new UsageError(`--set ${text}: the sizes here are ${Object.keys(sizes).join(', ')}, given as name=value`);
    }
    replaced[name] = likeBefore(text, value, before);
  }
  return { ...sizes, ...replaced };
}

function likeBefore(text: string, value: string, before: Sizes[string]): Sizes[string] {
  if (Array.isArray(before) && value === '') return [];
  if (Array.isArray(before)) return value.split(',').map((it) => scalar(text, it, before[0] as number | string));
  return scalar(text, value, before as number | string | boolean);
}

function scalar<T extends number | string | boolean>(text: string, value: string, like: T): T {
  if (typeof like === 'string') return value as T;
  if (typeof like === 'boolean') {
    if (value !== 'true' && value !== 'false') throw new UsageError(`--set ${text}: true or false`);
    return (value === 'true') as T;
  }
  const number = Number(value.replaceAll('_', ''));
  if (value.trim() === '' || !(number >= 0) || !Number.isSafeInteger(number)) {
    throw new UsageError(`--set ${text}: ${value} is not a whole number from 0 up`);
  }
  return number as T;
}
