/** A strip: the segments of one index as blocks side by side. Pure. */
/** @import { TableStatus } from '../control/table-states.ts' */
/** @typedef {TableStatus['indexes'][number]} IndexStatus */

/** The width of a block of one row, and what each tenfold of rows adds, pixels. */
const LEAST = 4;
const PER_TENFOLD = 11;
/** More blocks than this are a grey band with a number: they would be narrower than can be seen. */
const MAX_BLOCKS = 48;
/** The darkest of the shades in page.css. */
const DARKEST = 5;

/** @param {number} rows */
export const blockWidth = (rows) => Math.round(LEAST + PER_TENFOLD * Math.log10(Math.max(1, rows)));

/** @typedef {{ kind: 'segment' | 'more' | 'held' | 'missing', width: number, shade: number, says: string }} Block */

/**
 * The blocks of an index from left to right: its segments in the order of the table, what it holds back, and the missing tail.
 * @param {Pick<IndexStatus, 'segments' | 'missing_rows' | 'held_rows'>} index
 * @param {(value: number, noun: string) => string} counted
 * @returns {Block[]}
 */
export function blocksOf({ segments, missing_rows, held_rows }, counted) {
  /** @type {Block[]} */
  const blocks = segments.slice(0, MAX_BLOCKS).map(({ uuid, rows, tier, fragments, version }) => ({
    kind: 'segment',
    width: blockWidth(rows),
    shade: Math.min(DARKEST, tier),
    says: `${uuid.slice(0, 8)}: ${counted(rows, 'row')}, tier ${tier}, ${counted(fragments, 'fragment')}, from version ${version}`,
  }));
  const rest = segments.slice(MAX_BLOCKS);
  const tail = (/** @type {Block['kind']} */ kind, /** @type {number} */ rows, /** @type {string} */ says) =>
    rows > 0 && blocks.push({ kind, width: blockWidth(rows), shade: 0, says });
  const more = rest.reduce((sum, { rows }) => sum + rows, 0);
  if (rest.length > 0)
    blocks.push({
      kind: 'more',
      width: blockWidth(more),
      shade: 0,
      says: `${counted(rest.length, 'more segment')} with ${counted(more, 'row')}`,
    });
  tail('held', held_rows, `${counted(held_rows, 'row')} held back until there are more`);
  tail('missing', missing_rows, `${counted(missing_rows, 'row')} missing`);
  return blocks;
}
