import fc from 'fast-check';
import { expect, test } from 'vitest';
import { asyncLimit } from '../../../src/lib/async-limit.ts';

/** A task that runs until it is let go. */
function gate() {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  return { task: () => promise, open: resolve, fail: reject };
}
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('never more tasks at once than the limit, and all of them run, in order of arrival', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(fc.nat(5), { maxLength: 30 }), async (size, turns) => {
      const limit = asyncLimit(size);
      const started: number[] = [];
      expect(limit.busy).toBe(false);
      let running = 0;
      let most = 0;
      const results = turns.map((count, number) =>
        limit.run(async () => {
          started.push(number);
          most = Math.max(most, ++running);
          expect(limit.busy).toBe(true);
          for (let at = 0; at < count; at++) await Promise.resolve();
          running -= 1;
          if (count === 5) throw new Error(`task ${number}`);
          return number;
        }),
      );
      const settled = await Promise.allSettled(results);
      expect(most).toBeLessThanOrEqual(size);
      expect(started).toEqual(turns.map((_, number) => number));
      expect(settled.map((it) => (it.status === 'fulfilled' ? it.value : 'failed'))).toEqual(
        turns.map((count, number) => (count === 5 ? 'failed' : number)),
      );
      await limit.idle();
      expect(limit.busy).toBe(false);
    }),
  );
});

test('a task that waits when its signal has fired never starts, and passes its slot on', async () => {
  const limit = asyncLimit(1);
  const first = gate();
  const running = limit.run(first.task);
  const stop = new AbortController();
  let ran = false;
  const dropped = limit.run(async () => {
    ran = true;
  }, stop.signal);
  const next = limit.run(async () => 'next');
  stop.abort(new Error('stopped'));
  first.open();
  await running;
  await expect(dropped).rejects.toThrow('stopped');
  expect(await next).toBe('next');
  expect(ran).toBe(false);
});

test('a task that runs already is not disturbed by its signal', async () => {
  const limit = asyncLimit(1);
  const first = gate();
  const stop = new AbortController();
  const running = limit.run(() => first.task().then(() => 'done'), stop.signal);
  stop.abort();
  first.open();
  expect(await running).toBe('done');
});

test('idle resolves at once without tasks, and otherwise only after the last one, also one that failed', async () => {
  const limit = asyncLimit(1);
  await limit.idle();
  const [first, second] = [gate(), gate()];
  const results = [limit.run(first.task), limit.run(second.task)];
  const settled = Promise.allSettled(results);
  let idle = false;
  const waiting = limit.idle().then(() => {
    idle = true;
  });
  first.open();
  await turn();
  expect(idle).toBe(false);
  second.fail(new Error('failed'));
  await waiting;
  await settled;
  expect(await limit.run(async () => 'requeue')).toBe('requeue');
});
