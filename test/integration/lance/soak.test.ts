/** A table that is changed all the time: what it costs levels off with housekeeping, and grows without it. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Soak, SoakSample } from '../../../testing/soak.ts';
import { HOUSEKEEPING, soak } from '../../../testing/soak.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

const STEPS = 600;
const SAMPLES = 24;

const MIB = 2 ** 20;

/** The highest value among the samples of a third of the time, the first one or a later one. */
function peak({ samples }: Soak, third: 0 | 1 | 2, of: (sample: SoakSample) => number): number {
  return Math.max(...samples.slice((third * SAMPLES) / 3, ((third + 1) * SAMPLES) / 3).map(of));
}

test('versions, files, memory and descriptors level off with housekeeping, and nothing is lost', {
  timeout: 900_000,
}, async () => {
  const home = await tempDir();
  const kept = await soak(join(home, 'kept'), { steps: STEPS, samples: SAMPLES, maintain: HOUSEKEEPING });
  const left = await soak(join(home, 'left'), { steps: STEPS, samples: SAMPLES, maintain: null });
  expect(kept.runs.maintenanceFinished).toBeGreaterThan(3);
  for (const of of [(it: SoakSample) => it.versions, (it: SoakSample) => it.files, (it: SoakSample) => it.fragments]) {
    expect(peak(kept, 2, of)).toBeLessThan(1.6 * peak(kept, 1, of));
    expect(peak(left, 2, of)).toBeGreaterThan(1.3 * peak(left, 1, of));
    expect(peak(kept, 2, of)).toBeLessThan(0.7 * peak(left, 2, of));
  }
  expect(peak(kept, 2, (it) => it.rssBytes)).toBeLessThan(peak(kept, 0, (it) => it.rssBytes) + 150 * MIB);
  expect(peak(kept, 2, (it) => it.descriptors)).toBeLessThan(peak(kept, 0, (it) => it.descriptors) + 20);
  // The same was done to both.
  expect(kept.samples.at(-1)?.segments).toBeLessThanOrEqual(20);
});
