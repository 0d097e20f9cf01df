/** The lines of the small charts. Pure. */

/** @typedef {{ at: number, value: number }} Point `at`: milliseconds since the epoch */
/** @typedef {{ path: string, top: number, from: number, to: number }} Line */

/**
 * The largest value of the axis: the next of 1, 2, 5, 10, 20, … that holds all values.
 * @param {readonly number[]} values
 */
export function topOf(values) {
  const largest = Math.max(1, ...values);
  const power = 10 ** Math.floor(Math.log10(largest));
  return ([1, 2, 5].find((step) => step * power >= largest) ?? 10) * power;
}

/**
 * A stepped line: a value holds until the next one. Time runs over the whole width, values from 0 at the bottom to `top`.
 * @param {readonly Point[]} points oldest first
 * @param {{ width: number, height: number, to: number }} size `to`: the end of the line, milliseconds since the epoch
 * @returns {Line | null} null without a point
 */
export function lineOf(points, { width, height, to }) {
  const first = points[0];
  if (!first) return null;
  const top = topOf(points.map(({ value }) => value));
  const span = Math.max(1, to - first.at);
  const x = (/** @type {number} */ at) => round((Math.min(at, to) - first.at) * (width / span));
  const y = (/** @type {number} */ value) => round(height - value * (height / top));
  let path = `M0 ${y(first.value)}`;
  for (const { at, value } of points.slice(1)) path += `H${x(at)}V${y(value)}`;
  return { path: `${path}H${width}`, top, from: first.at, to };
}

/** @param {number} value */
const round = (value) => Math.round(value * 10) / 10;
