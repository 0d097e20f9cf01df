import { expect, test } from 'vitest';
import { LONG } from '../../../testing/long.ts';
import { fileSetup } from './file-setup.ts';
import { ROUNDS_OF_ALL_POINTS } from './kill-points.ts';
import { killRounds } from './kill-rounds.ts';

const ROUNDS = Number(process.env.SEGMENTD_KILL_ROUNDS ?? (LONG ? 153 : ROUNDS_OF_ALL_POINTS));

test('killed anywhere, it continues where it was', { timeout: 600_000 }, async () => {
  const left = await killRounds(ROUNDS, async (share) => ({
    ...(await fileSetup(undefined, share)),
    arm: (mortal, arming) => mortal.arm(arming),
  }));
  // Deaths between uploading and the commit leave segments, and those between staging and linking leave files.
  for (const what of ['folders', 'staged'] as const) expect(left.some((share) => share[what] > 0)).toBe(true);
});
