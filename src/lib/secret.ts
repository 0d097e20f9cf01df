/** Secrets from files, as orchestrators mount them. */
import { readFileSync } from 'node:fs';
import { messageOf, SegmentdError } from './errors.ts';

/** `value`, else what `file` holds without its one trailing line end. Errors: config_invalid when it cannot be read. */
export function secretOf(value: string | undefined, file: string | undefined): string | undefined {
  if (value !== undefined || file === undefined) return value;
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new SegmentdError('config_invalid', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
}
