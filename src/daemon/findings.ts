/** What a look at the world says about a configuration that is fine in itself. */
import type { LoadedConfig, Problem } from '../config/load.ts';
import { problemsError } from '../config/load.ts';
import type { ErrorCode } from '../lib/errors.ts';

/** A `warning` may come right by itself while the daemon runs, an `error` may not. A `note` is as it may be: `doctor` says it. */
export type Finding = {
  readonly level: 'error' | 'warning' | 'note';
  readonly code: ErrorCode;
  /** The option. */
  readonly path: readonly string[];
  readonly message: string;
};

const finding =
  (level: Finding['level']) =>
  (path: Finding['path'], message: string, code: ErrorCode = 'config_invalid'): Finding => ({
    level,
    code,
    path,
    message,
  });
export const errorAt = finding('error');
export const warningAt = finding('warning');
export const noteAt = finding('note');

type PlaceOf = LoadedConfig['placeOf'];

/** A finding with the place of its option. Of one that is not about the configuration alone, the code is part of the message. */
export function problemOf({ path, code, message }: Finding, placeOf: PlaceOf): Problem {
  const said = code === 'config_invalid' ? message : `${code}: ${message}`;
  return { at: placeOf(path), path: path.join('.'), message: said };
}

/** Throws one error for all findings that are errors, with the code of the first. */
export function refuseErrors(findings: readonly Finding[], placeOf: PlaceOf): void {
  const errors = findings.filter(({ level }) => level === 'error');
  const [first] = errors;
  if (first === undefined) return;
  throw problemsError(
    errors.map((each) => problemOf(each, placeOf)),
    first.code,
  );
}
