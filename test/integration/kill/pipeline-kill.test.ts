import { expect, test } from 'vitest';
import { LONG } from '../../../testing/long.ts';
import { fileSetup } from './file-setup.ts';
import type { Arming } from './kill-points.ts';
import { ROUNDS_OF_ALL_POINTS } from './kill-points.ts';
import type { Share } from './kill-rounds.ts';
import { killRounds } from './kill-rounds.ts';
import type { Mortal } from './mortal.ts';

/** A short run kills at the first passage of each point; a long one, which follows it, at the second and the third of those that have such. */
const GIVEN = process.env.SEGMENTD_KILL_ROUNDS;
const ROUNDS = Number(GIVEN ?? (LONG ? 2 : 1) * ROUNDS_OF_ALL_POINTS);
const FIRST = LONG && GIVEN === undefined ? ROUNDS_OF_ALL_POINTS : 0;

test('killed anywhere, it continues where it was', { timeout: 600_000 }, async () => {
  const openSetup = async (share: Share) => ({
    ...(await fileSetup(undefined, share)),
    arm: (mortal: Mortal, arming: Arming) => mortal.arm(arming),
  });
  const left = await killRounds(ROUNDS, openSetup, FIRST);
  // Deaths between uploading and the commit leave segments, and those between staging and linking leave files.
  for (const what of ['folders', 'staged'] as const) expect(left.some((share) => share[what] > 0)).toBe(true);
});
