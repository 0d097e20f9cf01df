/** A small chart: one number over the last hours. */
import { lineOf } from './chart-shape.js';
import { h, s } from './dom.js';
import { clock } from './words.js';

/** @import { Point } from './chart-shape.js' */

const WIDTH = 600;
const HEIGHT = 120;

/**
 * @param {string} name
 * @param {readonly Point[]} points oldest first
 * @param {number} nowMs the right edge
 * @param {(value: number) => string} words
 * @param {readonly number[]} [ends] of the axis
 */
export function chartOf(name, points, nowMs, words, ends = []) {
  const line = lineOf(points, { width: WIDTH, height: HEIGHT, to: nowMs, ends });
  const last = points.at(-1);
  if (!line || !last) return h('p', { class: 'quiet' }, `${name}: nothing yet`);
  const highest = points.reduce((best, point) => (point.value > best.value ? point : best));
  const says = `${last.at < nowMs ? 'last' : 'now'} ${words(last.value)}, highest ${words(highest.value)} at ${clock(highest.at, nowMs)}`;
  return h(
    'figure',
    { class: 'chart' },
    h('figcaption', {}, h('strong', {}, name), ` ${says}`),
    s(
      'svg',
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': `${name}: ${says}` },
      ...[0, 0.5, 1].map((part) => s('path', { class: 'grid', d: `M0 ${HEIGHT * part}H${WIDTH}` })),
      s('path', { class: 'area', d: `${line.path}V${HEIGHT}H0Z` }),
      s('path', { class: 'line', d: line.path }),
    ),
    h(
      'div',
      { class: 'axis', 'aria-hidden': 'true' },
      h('span', {}, clock(line.from, nowMs)),
      h('span', {}, `0 to ${words(line.top)}`),
      h('span', {}, clock(line.to, nowMs)),
    ),
  );
}
