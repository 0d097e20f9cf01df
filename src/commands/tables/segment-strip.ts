/** The segments of an index in one line: a block for each, by tier, as high as it has digits of rows. */
import type { Tier } from '../../merge/policy/tiered.ts';
import type { Style } from '../terminal/style.ts';

/** From less than ten rows to ten million and more. */
const BLOCKS = [...'▁▂▃▄▅▆▇█'];
const MISSING = '░';

type Strip = {
  readonly segments: readonly { readonly rows: number; readonly tier: Tier }[];
  readonly missingRows: number;
};

/** `mature:█ 2:▆▆ 0:▃▂▁ ░`: the large tiers first, `░` for rows in no segment. What does not fit the width is counted: `+17`. */
export function segmentStrip({ segments, missingRows }: Strip, { width, paint }: Style): string {
  const byTier = [...Map.groupBy(segments, ({ tier }) => tier)].sort(([a], [b]) => sizeOf(b) - sizeOf(a));
  const labels = byTier.reduce((sum, [tier]) => sum + `${tier}: `.length, 0);
  // Each tier may need its count of what does not fit.
  let left = Math.max(byTier.length, width - labels - 7 * byTier.length - MISSING.length);
  const parts = byTier.map(([tier, own]) => {
    const shown = own.slice(0, Math.max(1, left));
    left -= shown.length;
    const more = own.length > shown.length ? `+${own.length - shown.length}` : '';
    return `${paint('quiet', `${tier}:`)}${paint('good', shown.map(({ rows }) => blockOf(rows)).join(''))}${more}`;
  });
  if (missingRows > 0) parts.push(paint('doubtful', MISSING));
  return parts.join(' ');
}

const sizeOf = (tier: Tier) => (tier === 'mature' ? Number.POSITIVE_INFINITY : tier);

/** Rows to a block: one more for each digit. */
function blockOf(rows: number): string {
  const digits = String(Math.max(1, Math.trunc(rows))).length;
  return BLOCKS[Math.min(digits, BLOCKS.length) - 1] as string;
}
