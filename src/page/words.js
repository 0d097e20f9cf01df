/** Numbers and times as the page says them. Pure. */

const thousands = new Intl.NumberFormat('en-US');

/** A count, with commas; a dash for what is not known. @param {number | null | undefined} value */
export const count = (value) => (value === null || value === undefined ? '–' : thousands.format(value));

/**
 * A count with its noun, such as `1 row` or `2 rows`.
 * @param {number} value
 * @param {string} noun
 * @param {string} [plural]
 */
export const counted = (value, noun, plural = `${noun}s`) => `${count(value)} ${value === 1 ? noun : plural}`;

/**
 * Coverage, 0 to 1, as percent with two decimals, rounded down: what misses one row of ten million is not 100.00 %. Null is a table
 * without an index.
 * @param {number | null} coverage
 */
export function percent(coverage) {
  if (coverage === null) return 'no index';
  // 0.2899 is a little less in binary, and its hundredfold hundredfold too; a millionth of a step is far below what a row weighs.
  const steps = coverage >= 1 ? 10_000 : Math.min(9_999, Math.floor(Math.max(0, coverage) * 10_000 + 1e-6));
  return `${(steps / 100).toFixed(2)} %`;
}

/** Units of time in seconds, the largest first. @type {readonly (readonly [seconds: number, name: string])[]} */
const UNITS = [
  [24 * 3600, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
];

/**
 * A length of time in at most two units, rounded down; below ten seconds with one decimal.
 * @param {number} seconds
 */
export function duration(seconds) {
  if (seconds <= 0) return '0 s';
  if (seconds < 0.1) return '< 0.1 s';
  if (seconds < 10) return `${Math.floor(seconds * 10) / 10} s`;
  const at = UNITS.findIndex(([unit]) => seconds >= unit);
  const [[unit, name] = [1, 's'], next] = UNITS.slice(at);
  const rest = next ? Math.floor((seconds % unit) / next[0]) : 0;
  return `${Math.floor(seconds / unit)} ${name}${next && rest > 0 ? ` ${rest} ${next[1]}` : ''}`;
}

/** A length of time in its largest unit, so that what ticks does not flicker. @param {number} seconds */
function roughly(seconds) {
  const [unit, name] = UNITS.find(([each]) => seconds >= 2 * each) ?? [1, 's'];
  return `${Math.floor(seconds / unit)} ${name}`;
}

/**
 * How long ago something was.
 * @param {string} at ISO 8601
 * @param {number} nowMs
 */
export function ago(at, nowMs) {
  const seconds = Math.floor((nowMs - Date.parse(at)) / 1000);
  return seconds < 1 ? 'now' : `${roughly(seconds)} ago`;
}

/**
 * How long until something happens.
 * @param {string} at ISO 8601
 * @param {number} nowMs
 */
export function until(at, nowMs) {
  const seconds = Math.ceil((Date.parse(at) - nowMs) / 1000);
  return seconds < 1 ? 'now' : `in ${roughly(seconds)}`;
}

/** What is older than this is not what the daemon saw a moment ago. */
const OLD_MS = 120_000;

/**
 * When something was read, if that is not just now; else nothing.
 * @param {string} at ISO 8601
 * @param {number} nowMs
 */
export const readAgo = (at, nowMs) => (nowMs - Date.parse(at) < OLD_MS ? '' : `read ${ago(at, nowMs)}`);

/** @param {readonly number[]} parts */
const twoDigits = (parts) => parts.map((part) => String(part).padStart(2, '0'));

/** The day of a time in the zone of the reader, such as `2026-01-02`. @param {string | number} at */
export function day(at) {
  const date = new Date(at);
  return [date.getFullYear(), ...twoDigits([date.getMonth() + 1, date.getDate()])].join('-');
}

const zones = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' });

/**
 * The time of day in the zone of the reader, which it names; with the date unless that is today.
 * @param {string | number} at
 * @param {number} nowMs
 */
export function clock(at, nowMs) {
  const date = new Date(at);
  const time = twoDigits([date.getHours(), date.getMinutes(), date.getSeconds()]).join(':');
  const zone = zones.formatToParts(date).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  return `${day(at) === day(nowMs) ? '' : `${day(at)} `}${time} ${zone}`;
}
