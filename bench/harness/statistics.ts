/** What many rounds come to. */
import { quantile } from '../../testing/screen.ts';

/** Half of the values lie between `q1` and `q3`. */
export type Summary = {
  readonly n: number;
  readonly median: number;
  readonly q1: number;
  readonly q3: number;
  readonly min: number;
  readonly max: number;
};

/** Of at least one value. */
export function summarize(values: readonly number[]): Summary {
  if (values.length === 0) throw new RangeError('no values to summarize');
  const at = (share: number) => quantile(values, share);
  return {
    n: values.length,
    ...{ median: at(0.5), q1: at(0.25), q3: at(0.75), min: at(0), max: at(1) },
  };
}

/**
 * The quotients of the pairs of each round, so that what slowed a whole round down slows both of its sides. A side that took part in
 * fewer rounds took part in the first ones.
 */
export function pairedRatios(values: readonly number[], base: readonly number[]): number[] {
  const pairs = Math.min(values.length, base.length);
  return values.slice(0, pairs).map((value, round) => value / (base[round] as number));
}

const DIGITS = 4;

/** As many digits as a measurement has: what is written down stays readable. */
export const rounded = (value: number): number => Number(value.toPrecision(DIGITS));
