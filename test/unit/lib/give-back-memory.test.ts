import { afterEach, expect, test, vi } from 'vitest';
import { giveBackMemory } from '../../../src/lib/give-back-memory.ts';

afterEach(() => vi.unstubAllGlobals());

test('has Node collect all garbage, where it was started so that it can be asked to', async () => {
  const gc = vi.fn(async () => undefined);
  vi.stubGlobal('gc', gc);
  await giveBackMemory();
  expect(gc).toHaveBeenCalledExactlyOnceWith({ type: 'major', flavor: 'last-resort', execution: 'async' });
});

test('does nothing elsewhere', async () => {
  vi.stubGlobal('gc', undefined);
  await expect(giveBackMemory()).resolves.toBeUndefined();
});
