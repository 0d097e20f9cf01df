/** File and environment in, one checked and frozen configuration out, or every problem at once. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { core } from 'zod';
import type { ErrorCode } from '../lib/errors.ts';
import { SegmentdError } from '../lib/errors.ts';
import type { Environment, Override } from './env.ts';
import { readEnvironment } from './env.ts';
import type { Leaf } from './option.ts';
import { leavesOf } from './option.ts';
import { RULES } from './rules.ts';
import type { Config } from './schema.ts';
import { schema } from './schema.ts';
import { storageProblems, withVariables } from './storage-values.ts';
import type { Source } from './yaml-source.ts';
import { readSource } from './yaml-source.ts';

type Tree = { [key: string]: unknown };
/** `at` is the place in the file, or the variable; `path` the option. */
export type Problem = { readonly at: string; readonly path?: string; readonly message: string };

export const LEAVES: readonly Leaf[] = leavesOf(schema);
const NO_FILE: Source = { data: {}, problems: [], placeOf: () => 'configuration' };

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

export function getIn(tree: unknown, path: readonly string[]): unknown {
  return path.reduce((value: unknown, key) => (isTree(value) ? value[key] : undefined), tree);
}

/** A copy of `tree` with `value` at `path`; what is in the way and no map stays, for the schema to refuse. */
export function withIn(tree: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  if (tree !== undefined && tree !== null && !isTree(tree)) return tree;
  return { ...tree, [key]: withIn(tree?.[key], rest, value) };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}

/** One line per finding: an unknown key gets a line of its own, and a bad map key says why it is bad. */
function* flatten(issues: readonly core.$ZodIssue[]): Generator<{ path: PropertyKey[]; message: string }> {
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) yield { path: [...issue.path, key], message: 'unknown option' };
    } else if (issue.code === 'invalid_key') {
      for (const inner of issue.issues) yield { path: issue.path, message: inner.message };
    } else yield { path: issue.path, message: issue.message };
  }
}

const REQUIRED = 'is required';

/** zod calls a missing option `expected record, received undefined`. */
const sayRequired: core.$ZodErrorMap = (issue) =>
  issue.code === 'invalid_type' && issue.input === undefined ? REQUIRED : undefined;

/** What `segmentd init` writes, where nothing else is said. */
const USUAL_FILES = ['segmentd.yaml', 'segmentd.yml'];

/** Of a configuration that nothing names: what is missing is most likely the file. */
function sayUnnamed(problem: Problem, cwd: string): Problem {
  if (problem.path !== 'databases' || problem.message !== REQUIRED) return problem;
  const there = USUAL_FILES.find((name) => existsSync(resolve(cwd, name)));
  const way =
    there === undefined
      ? 'give -c <file>, or set SEGMENTD_CONFIG; `segmentd init` writes a file to begin with'
      : `there is a ${there} here: give -c ${there}, or set SEGMENTD_CONFIG=${there}`;
  return { ...problem, message: `${REQUIRED}, and no configuration file is named; ${way}` };
}

const startsWith = (path: readonly PropertyKey[], prefix: readonly string[]) =>
  prefix.every((key, i) => path[i] === key);

/** Runs the rules over what parses, leaving out options in `broken`: their own problem is reported already. */
function ruleProblems(config: Config, broken: ReadonlySet<string>, place: (path: string[]) => string): Problem[] {
  return RULES.filter(({ about }) => !about.some((path) => broken.has(path))).flatMap(({ about, problems }) =>
    problems(config).map((message) => {
      const path = about[0] as string;
      return { at: place(path.split('.')), path, message };
    }),
  );
}

function absolutePaths(config: unknown, baseOf: (leaf: Leaf) => string): Config {
  return LEAVES.reduce((tree, leaf) => {
    const value = getIn(tree, leaf.path);
    const { absolute } = leaf.meta;
    return absolute === undefined || value === undefined
      ? tree
      : withIn(tree, leaf.path, absolute(value, baseOf(leaf)));
  }, config) as Config;
}

/** One line of a report. */
export const formatProblem = ({ at, path, message }: Problem): string =>
  `${at}: ${path === undefined ? '' : `${path}: `}${message}`;

/** One error for all problems. */
export function problemsError(problems: readonly Problem[], code: ErrorCode = 'config_invalid'): SegmentdError {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  const lines = problems.map((problem) => `  ${formatProblem(problem)}`);
  return new SegmentdError(code, `the configuration has ${count}\n${lines.join('\n')}`);
}

type Place = (path: readonly PropertyKey[]) => string;

const problemAt = ({ path, message }: { path: readonly PropertyKey[]; message: string }, place: Place): Problem => ({
  at: place(path),
  ...(path.length > 0 ? { path: path.join('.') } : {}),
  message,
});

/** Sections that say how append events are handled, which come over Kafka alone. */
const OF_EVENTS = new Set(['events', 'backfill']);

/** What is set and means nothing without Kafka. */
function idleProblems(data: unknown): { path: readonly string[]; message: string }[] {
  if (getIn(data, ['kafka']) !== undefined) return [];
  return LEAVES.filter(({ path }) => OF_EVENTS.has(path[0] as string) && getIn(data, path) !== undefined).map(
    ({ path }) => ({ path, message: 'needs Kafka, which is not configured: set kafka.brokers, or leave it out' }),
  );
}

/** Parses what is `given`; what the schema refuses is reported and replaced by its default, so that rules can look at the rest. */
function check(given: unknown, place: Place, baseOf: (leaf: Leaf) => string, env: Environment) {
  const { data, problems: unset } = withVariables(given, env);
  const first = schema.safeParse(data, { error: sayRequired });
  const issues = [...flatten(first.error?.issues ?? [])];
  const problems = [...issues, ...unset, ...idleProblems(data)].map((issue) => problemAt(issue, place));
  const broken = LEAVES.filter(({ path }) => issues.some((issue) => startsWith(issue.path, path)));
  const known = LEAVES.filter((leaf) => !broken.includes(leaf) && getIn(data, leaf.path) !== undefined);
  const rest = known.reduce((tree: unknown, { path }) => withIn(tree, path, getIn(data, path)), {});
  const second = first.success ? first : schema.safeParse(rest);
  if (!second.success) return { problems };
  const config = absolutePaths(second.data, baseOf);
  const brokenPaths = new Set(broken.map(({ path }) => path.join('.')));
  const unfit = storageProblems(config, env).filter(({ path }) => !unset.some((it) => startsWith(it.path, path)));
  problems.push(...ruleProblems(config, brokenPaths, place), ...unfit.map((issue) => problemAt(issue, place)));
  return { problems, config };
}

type LoadOptions = { readonly file?: string | undefined; readonly env: Environment; readonly cwd: string };

export type LoadedConfig = {
  readonly config: Config;
  /** Undefined without a file. */
  readonly file: string | undefined;
  /** Where an option, or a part of it, is written: `file:line:column`, or its variable. */
  readonly placeOf: (path: readonly PropertyKey[]) => string;
};

/** The same as loadConfig, with the place of each option. */
export function loadConfigWithPlaces({ file: given, env, cwd }: LoadOptions): LoadedConfig {
  const named = given ?? env.SEGMENTD_CONFIG;
  const file = named === undefined || named === '' ? undefined : resolve(cwd, named);
  const source = file === undefined ? NO_FILE : readSource(file);
  const { overrides, problems: envProblems } = readEnvironment(env, LEAVES);
  const early: Problem[] = [...source.problems, ...envProblems];
  if (source.data === undefined) throw problemsError(early);
  const overrideOf = (path: readonly PropertyKey[]): Override | undefined =>
    overrides.find(({ leaf }) => startsWith(path, leaf.path));
  const data = overrides.reduce((tree: unknown, { leaf, value }) => withIn(tree, leaf.path, value), source.data);
  const placeOf = (path: readonly PropertyKey[]) => overrideOf(path)?.variable ?? source.placeOf(path);
  const baseOf = (leaf: Leaf) => (file === undefined || overrideOf(leaf.path) ? cwd : dirname(file));
  const { problems: found, config } = check(data, placeOf, baseOf, env);
  const problems = file === undefined ? found.map((problem) => sayUnnamed(problem, cwd)) : found;
  const all = [...early, ...problems];
  if (all.length > 0 || config === undefined) throw problemsError(all);
  return { config: deepFreeze(config), file, placeOf };
}

/**
 * The configuration from `file` (else `SEGMENTD_CONFIG`, else defaults alone) with `SEGMENTD_…` variables over it. A variable
 * replaces the whole option, maps included. Relative paths count from the file's folder, those of variables from `cwd`.
 *
 * Throws `config_unreadable`, or one `config_invalid` that lists every problem with its place.
 */
export function loadConfig(options: LoadOptions): Config {
  return loadConfigWithPlaces(options).config;
}

/** The configuration for people to read: what may be secret is replaced, what is unset stays unset. */
export function redact(config: Config): Config {
  return LEAVES.reduce((tree: unknown, { path, meta }) => {
    const value = getIn(tree, path);
    return meta.redact === undefined || value === undefined ? tree : withIn(tree, path, meta.redact(value));
  }, config) as Config;
}
