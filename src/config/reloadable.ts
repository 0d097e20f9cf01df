/** What a running daemon takes over from a configuration that is read again: a pure decision. */
import { isDeepStrictEqual } from 'node:util';
import { getIn, LEAVES, withIn } from './load.ts';
import type { Config } from './schema.ts';
import { sweepSeconds } from './sweep-interval.ts';

/**
 * Options that are read each time they are used, so that a new value holds from the next use on. No rule ties one of them to an option
 * that is not here, but for those that `refused` looks at.
 */
export const RELOADABLE: ReadonlySet<string> = new Set([
  ...['tables', 'events.version_wait_ms', 'batch.min_interval_ms', 'batch.max_rows', 'batch.max_fragments'],
  ...['vector.min_rows', 'merge.floor_rows', 'merge.factor', 'merge.max_factor', 'merge.max_segment_rows'],
  ...['merge.max_segments', 'merge.concurrency', 'merge.pause_lag_s'],
  ...['maintain.optimize_every', 'maintain.compact_when.small_fragments', 'maintain.compact_when.deleted_fraction'],
  ...['maintain.keep_versions_for', 'maintain.max_memory'],
  ...['backfill.threshold_rows', 'backfill.rows_per_segment', 'commit.max_attempts', 'commit.backoff_ms'],
  ...['retry.initial_ms', 'retry.max_ms', 'sweep.interval_s', 'admin.token', 'admin.token_file'],
  ...['admin.requests_per_s', 'log.level'],
]);

/** Maps that are compared entry by entry, so that a change names the table or the database. */
const BY_ENTRY = new Set(['tables', 'databases']);

/** Paths of options, each the keys that lead to it; of `tables` and `databases` those of the entry. */
type Path = readonly string[];
export type TakenOver = {
  /** The running configuration with what could be taken over. */
  readonly config: Config;
  readonly applied: readonly Path[];
  /** What is different in the file and stays as it was until a restart. */
  readonly needsRestart: readonly Path[];
};

const hasToken = ({ admin }: Config) => admin.token !== undefined || admin.token_file !== undefined;

/** Whether an option that could be taken over cannot be, in this case. */
function refused([section, key = '']: Path, running: Config, next: Config): boolean {
  // An entry of a database that is not served, or lies elsewhere in the file, would be for a table that nobody serves.
  if (section === 'tables') {
    const database = key.split('/')[0] as string;
    return next.tables[key] !== undefined && !isDeepStrictEqual(running.databases[database], next.databases[database]);
  }
  // Never without anything that finds appends.
  if (section === 'sweep') return (running.kafka === undefined) !== (next.kafka === undefined);
  if (section === 'admin' && key === 'requests_per_s') return false;
  // The listener for operators is opened at start, or not.
  return section === 'admin' && hasToken(running) !== hasToken(next);
}

/** What an option amounts to whose default is computed: to write that out, or to leave it out again, changes nothing. */
const IN_FORCE: Readonly<Record<string, (config: Config) => unknown>> = { 'sweep.interval_s': sweepSeconds };

function amountsToSame(path: Path, running: Config, next: Config): boolean {
  const inForce = IN_FORCE[path.join('.')];
  return inForce !== undefined && inForce(running) === inForce(next);
}

const entries = (map: unknown) => Object.keys((map ?? {}) as object);

/** The paths at which two configurations differ, in the order of the options. */
function differences(running: Config, next: Config): Path[] {
  const paths = LEAVES.flatMap(({ path }) => {
    const [section] = path;
    // A section that was left out, or is now, is one change.
    if ((getIn(running, [section as string]) === undefined) !== (getIn(next, [section as string]) === undefined))
      return [[section as string]];
    const [before, after] = [getIn(running, path), getIn(next, path)];
    if (isDeepStrictEqual(before, after) || amountsToSame(path, running, next)) return [];
    if (!BY_ENTRY.has(path.join('.'))) return [path];
    const keys = [...new Set([...entries(before), ...entries(after)])];
    return keys.map((key) => [...path, key]).filter((at) => !isDeepStrictEqual(getIn(running, at), getIn(next, at)));
  });
  return paths.filter((path, at) => path.join() !== paths[at - 1]?.join());
}

const optionOf = (path: Path) => (BY_ENTRY.has(path[0] as string) ? (path[0] as string) : path.join('.'));

/** A copy without what is at `path`, for an option that the new configuration leaves unset. */
function withoutIn(tree: unknown, path: Path): unknown {
  const above = path.slice(0, -1);
  const { [path.at(-1) as string]: _, ...rest } = getIn(tree, above) as Record<string, unknown>;
  return withIn(tree, above, rest);
}

/** Both configurations are valid in themselves; so is the result. */
export function takeOver(running: Config, next: Config): TakenOver {
  const changed = differences(running, next);
  const isApplied = (path: Path) => RELOADABLE.has(optionOf(path)) && !refused(path, running, next);
  const applied = changed.filter(isApplied);
  const config = applied.reduce((tree: unknown, path) => {
    const value = getIn(next, path);
    return value === undefined ? withoutIn(tree, path) : withIn(tree, path, value);
  }, running);
  return { config: config as Config, applied, needsRestart: changed.filter((path) => !isApplied(path)) };
}
