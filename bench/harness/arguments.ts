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

/** Sizes that are worth a try without any. Nothing can be measured of no rows, in no rounds. */
const MAY_BE_NONE = ['warmUp', 'appendsBefore', 'delays', 'mostUnmerged'];
/** No table here has as many rows. */
const MOST = 10_000_000_000;

/**
 * The sizes with those replaced that `--set` names; lists are separated by commas, and one of numbers may be empty. `texts`: what the texts among
 * them look like. Throws UsageError for one of another kind.
 */
export function withSizes<S extends Sizes>(
  sizes: S,
  set: readonly string[],
  texts: Readonly<Record<string, RegExp | undefined>> = {},
): S {
  const replaced: Record<string, Sizes[string]> = {};
  for (const text of set) {
    const [, name = '', value = ''] = /^([^=]+)=(.*)$/.exec(text) ?? [];
    const before = sizes[name];
    if (before === undefined) {
      throw new UsageError(`--set ${text}: the sizes here are ${Object.keys(sizes).join(', ')}, given as name=value`);
    }
    replaced[name] = likeBefore({ text, value, before, least: MAY_BE_NONE.includes(name) ? 0 : 1, form: texts[name] });
  }
  return { ...sizes, ...replaced };
}

type Given = {
  /** All of it. */
  readonly text: string;
  readonly value: string;
  readonly before: Sizes[string];
  /** Of a number. */
  readonly least: number;
  /** Of a text. */
  readonly form: RegExp | undefined;
};

function likeBefore(given: Given): Sizes[string] {
  const { value, before } = given;
  if (!Array.isArray(before)) return scalar(given, value, before as number | string | boolean);
  const [first = 0] = before as (number | string)[];
  if (value === '' && typeof first === 'number') return [];
  return value.split(',').map((it) => scalar(given, it, first));
}

function scalar<T extends number | string | boolean>({ text, least, form }: Given, value: string, like: T): T {
  if (typeof like === 'string') {
    if (form && !form.test(value)) throw new UsageError(`--set ${text}: ${value} does not look like ${form.source}`);
    return value as T;
  }
  if (typeof like === 'boolean') {
    if (value !== 'true' && value !== 'false') throw new UsageError(`--set ${text}: true or false`);
    return (value === 'true') as T;
  }
  const number = Number(value.replaceAll('_', ''));
  if (value.trim() === '' || !Number.isSafeInteger(number) || number < least || number > MOST) {
    throw new UsageError(
      `--set ${text}: ${value} is not a whole number from ${least} to ${MOST.toLocaleString('en-US')}`,
    );
  }
  return number as T;
}
