/** Parsers of option values. */
import { InvalidArgumentError } from 'commander';

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
