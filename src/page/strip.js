/** A strip on the page: a button that shows what its blocks are. */
import { h } from './dom.js';
import { blocksOf } from './strip-shape.js';
import { describe } from './tip.js';
import { count, counted, duration, percent } from './words.js';

/** @import { TableStatus } from '../control/table-states.ts' */
/** @typedef {TableStatus['indexes'][number]} IndexStatus */

/** Segments that the box lists: the others are in the page of the table. */
const LISTED = 12;

/** @param {IndexStatus} index */
export function stripOf(index) {
  const { name, kind, coverage, missing_rows, segments } = index;
  const missing = missing_rows > 0 ? `, ${counted(missing_rows, 'row')} missing` : '';
  const says = `${name}, ${kind}: ${percent(coverage)} covered, ${counted(segments.length, 'segment')}${missing}`;
  const button = h(
    'button',
    { type: 'button', class: 'strip', 'aria-label': says, 'data-focus': name },
    h('span', { class: 'strip-name' }, name),
    h('span', { class: 'blocks' }, ...blocksOf(index, counted).map(blockOf)),
  );
  describe(button, () => detailsOf(index));
  return button;
}

/** @param {ReturnType<typeof blocksOf>[number]} block */
function blockOf({ kind, width, shade, says }) {
  const block = h('span', { class: kind === 'segment' ? `block tier-${shade}` : `block ${kind}`, title: says });
  block.style.width = `${width}px`;
  return block;
}

/** @param {IndexStatus} index */
function detailsOf(index) {
  const { name, kind, coverage, missing_rows, held_rows, lag_seconds, segments } = index;
  const facts = [
    `${percent(coverage)} covered`,
    missing_rows > 0 && `${counted(missing_rows, 'row')} missing for ${duration(lag_seconds)}`,
    held_rows > 0 && `${counted(held_rows, 'row')} held back until there are more`,
  ].filter((fact) => fact !== false);
  const more = segments.length - LISTED;
  return [
    h('p', {}, h('strong', {}, name), ` ${kind}, ${facts.join(', ')}`),
    segmentTable(segments.slice(0, LISTED)),
    h('p', { class: 'quiet' }, more > 0 ? `and ${count(more)} more segments` : ''),
  ];
}

/** @param {IndexStatus['segments']} segments */
export function segmentTable(segments) {
  const head = ['segment', 'rows', 'tier', 'fragments', 'version'];
  return h(
    'table',
    { class: 'plain' },
    h('thead', {}, h('tr', {}, ...head.map((name) => h('th', { scope: 'col' }, name)))),
    h(
      'tbody',
      {},
      ...segments.map(({ uuid, rows, tier, fragments, version }) =>
        h(
          'tr',
          {},
          h('td', { class: 'code', title: uuid }, uuid.slice(0, 8)),
          ...[rows, tier, fragments, version].map((value) => h('td', {}, count(value))),
        ),
      ),
    ),
  );
}
