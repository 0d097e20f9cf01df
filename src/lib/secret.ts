/** Secrets from files, as orchestrators mount them. */
import { readFileSync } from 'node:fs';
import { messageOf, SegmentdError } from './errors.ts';

/**
 * `value`, else what `file` holds without its one trailing line end. Errors: config_invalid when it cannot be read, or holds what no
 * secret is: nothing, or more than one line.
 */
export function secretOf(value: string | undefined, file: string | undefined): string | undefined {
  if (value !== undefined || file === undefined) return value;
  const secret = read(file).replace(/\r?\n$/, '');
  if (secret.trim() === '') throw new SegmentdError('config_invalid', `${file} is empty`);
  if (/[\r\n\0]/.test(secret)) throw new SegmentdError('config_invalid', `${file} has more than one line`);
  return secret;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new SegmentdError('config_invalid', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
}
