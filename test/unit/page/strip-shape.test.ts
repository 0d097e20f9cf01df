import { expect, test } from 'vitest';
import { blocksOf, blockWidth } from '../../../src/page/strip-shape.js';
import { counted } from '../../../src/page/words.js';

const segment = (rows: number, tier = 0) => ({ uuid: 'aa944711-82e1', rows, tier, fragments: 1, version: 4 });

test('a block grows by as much with each tenfold of rows', () => {
  const widths = [0, 1, 10, 100, 1_000, 1_000_000].map(blockWidth);
  expect(widths).toEqual([4, 4, 15, 26, 37, 70]);
});

test('blocks stand in the order of the segments, shaded by tier, and what is missing comes last', () => {
  const index = { segments: [segment(100_000, 3), segment(900), segment(1, 9)], held_rows: 12, missing_rows: 300 };
  const blocks = blocksOf(index, counted);
  expect(blocks.map(({ kind, shade }) => [kind, shade])).toEqual([
    ...[
      ['segment', 3],
      ['segment', 0],
      ['segment', 5],
    ],
    ...[
      ['held', 0],
      ['missing', 0],
    ],
  ]);
  expect(blocks[0]?.says).toBe('aa944711: 100,000 rows, tier 3, 1 fragment, from version 4');
  expect(blocks.at(-1)?.says).toBe('300 rows missing');
});

test('an index that is covered has no tail', () => {
  expect(blocksOf({ segments: [segment(5)], held_rows: 0, missing_rows: 0 }, counted)).toHaveLength(1);
});

test('more segments than can be seen are one block with their number and rows', () => {
  const blocks = blocksOf({ segments: Array(200).fill(segment(10)), held_rows: 0, missing_rows: 0 }, counted);
  expect(blocks).toHaveLength(49);
  expect(blocks.at(-1)).toMatchObject({ kind: 'more', says: '152 more segments with 1,520 rows' });
});
