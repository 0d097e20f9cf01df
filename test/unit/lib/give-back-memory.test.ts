import { afterEach, expect, test, vi } from 'vitest';
import { giveBackMemory } from '../../../src/lib/give-back-memory.ts';

afterEach(() => vi.unstubAllGlobals());

const { signal } = new AbortController();
const idle = async () => 0.1;

test('has Node collect all garbage, where it was started so that it can be asked to', async () => {
  const gc = vi.fn(async () => undefined);
  vi.stubGlobal('gc', gc);
  await giveBackMemory(signal, idle);
  expect(gc).toHaveBeenCalledExactlyOnceWith({ type: 'major', flavor: 'last-resort', execution: 'async' });
});

test('not while the process is busy', async () => {
  const gc = vi.fn(async () => undefined);
  vi.stubGlobal('gc', gc);
  const seconds = [1, 0.9, 0.2];
  const looks: number[] = [];
  await giveBackMemory(signal, async () => {
    expect(gc).not.toHaveBeenCalled();
    const share = seconds[looks.length] ?? 0;
    looks.push(share);
    return share;
  });
  expect(looks).toEqual(seconds);
  expect(gc).toHaveBeenCalledOnce();
});

test('nor when the process is about to end', async () => {
  const gc = vi.fn(async () => undefined);
  vi.stubGlobal('gc', gc);
  const ending = new AbortController();
  await giveBackMemory(ending.signal, async () => {
    ending.abort();
    return 1;
  });
  expect(gc).not.toHaveBeenCalled();
});

test('does nothing elsewhere', async () => {
  vi.stubGlobal('gc', undefined);
  await expect(giveBackMemory(signal, idle)).resolves.toBeUndefined();
});
