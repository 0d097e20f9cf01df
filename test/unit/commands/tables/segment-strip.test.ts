import { expect, test } from 'vitest';
import { segmentStrip } from '../../../../src/commands/tables/segment-strip.ts';
import { PLAIN } from '../../../../src/commands/terminal/style.ts';

const segment = (rows: number, tier: number | 'mature') => ({ rows, tier });

test('each segment is a block as high as it has digits of rows, the large tiers first', () => {
  const segments = [segment(300, 0), segment(12_000, 1), segment(9, 0), segment(200_000_000, 'mature')];
  expect(segmentStrip({ segments, missingRows: 0 }, PLAIN)).toBe('mature:█ 1:▅ 0:▃▁');
});

test('rows in no segment show', () => {
  expect(segmentStrip({ segments: [segment(10, 0)], missingRows: 1 }, PLAIN)).toBe('0:▂ ░');
  expect(segmentStrip({ segments: [], missingRows: 1 }, PLAIN)).toBe('░');
  expect(segmentStrip({ segments: [], missingRows: 0 }, PLAIN)).toBe('');
});

test('what does not fit is counted, whatever the tiers', () => {
  const segments = Array.from({ length: 1_000 }, (_, at) => segment(at, at % 5));
  const strip = segmentStrip({ segments, missingRows: 5 }, { ...PLAIN, width: 80 });
  expect(strip.length).toBeLessThanOrEqual(80);
  const shown = strip.match(/[▁▂▃▄]/gu)?.length ?? 0;
  const counted = [...strip.matchAll(/\+(\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
  expect(shown + counted).toBe(1_000);
});
