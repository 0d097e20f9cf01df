import { expect, test, vi } from 'vitest';
import { sleep } from '../../../src/lib/sleep.ts';

test('a wait ends when its signal fires, before or during it, without an error', async () => {
  const stop = new AbortController();
  const waiting = sleep(2 ** 31 - 1, stop.signal);
  stop.abort(new Error('enough'));
  await expect(waiting).resolves.toBeUndefined();
  await expect(sleep(2 ** 31 - 1, stop.signal, { ref: false })).resolves.toBeUndefined();
});

test('a wait without a signal ends when its time is over', async () => {
  const ended = vi.fn();
  void sleep(1).then(ended);
  expect(ended).not.toHaveBeenCalled();
  await vi.waitFor(() => expect(ended).toHaveBeenCalled());
});
