import { expect, test } from 'vitest';
import { CoveredVersions } from '../../../../bench/support/covered-versions.ts';

test('who waits for a version is told when it is covered, or a later one', async () => {
  const covered = new CoveredVersions();
  const [second, third] = [covered.at('t', 2), covered.at('t', 3)];
  covered.note('t', 1, 100);
  covered.note('t', 2, 200);
  expect(await second).toBe(200);
  covered.note('t', 5, 500);
  expect(await third).toBe(500);
  expect(await covered.at('t', 4)).toBe(500);
});

test('who waits, then or later, learns that nothing more is told', async () => {
  const covered = new CoveredVersions();
  covered.note('t', 1, 100);
  const waiting = covered.at('t', 2);
  covered.end(new Error('the daemon ended'));
  await expect(waiting).rejects.toThrow('the daemon ended');
  await expect(covered.at('u', 1)).rejects.toThrow('the daemon ended');
  expect(await covered.at('t', 1)).toBe(100);
});
