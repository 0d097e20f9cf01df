/** The lines of the small charts. Pure. */

/** @typedef {{ at: number, value: number }} Point `at`: milliseconds since the epoch */
/** @typedef {{ path: string, top: number, from: number, to: number }} Line */

/** Ends of an axis of time that read well, seconds. */
export const TIMES = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400];

/**
 * The end of the axis: the first of `ends` that holds all values; past them, the next of 1, 2, 5, 10, 20, …
 * @param {readonly number[]} values
 * @param {readonly number[]} [ends] rising
 */
export function topOf(values, ends = []) {
  const largest = Math.max(1, ...values);
  const power = 10 ** Math.floor(Math.log10(largest));
  return ends.find((end) => end >= largest) ?? ([1, 2, 5].find((step) => step * power >= largest) ?? 10) * power;
}

/**
 * A stepped line: a value holds until the next one. Time runs over the whole width, values from 0 at the bottom to `top`.
 * @param {readonly Point[]} points oldest first
 * @param {{ width: number, height: number, to: number, ends?: readonly number[] }} size `to`: the end of the line, milliseconds since the
 *   epoch; `ends`: of the axis
 * @returns {Line | null} null without a point
 */
export function lineOf(points, { width, height, to, ends }) {
  const first = points[0];
  if (!first) return null;
  const top = topOf(
    points.map(({ value }) => value),
    ends,
  );
  const span = Math.max(1, to - first.at);
  const x = (/** @type {number} */ at) => round((Math.min(at, to) - first.at) * (width / span));
  const y = (/** @type {number} */ value) => round(height - value * (height / top));
  let path = `M0 ${y(first.value)}`;
  for (const { at, value } of points.slice(1)) path += `H${x(at)}V${y(value)}`;
  return { path: `${path}H${width}`, top, from: first.at, to };
}

/** @param {number} value */
const round = (value) => Math.round(value * 10) / 10;
