import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Share } from '../../../../src/lance/engine/build-admission.ts';
import { BuildAdmission } from '../../../../src/lance/engine/build-admission.ts';
import type { BuildPurpose } from '../../../../src/lance/segment.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Builds that run until they are ended, by name. */
function builds(capacity: number) {
  const admission = new BuildAdmission(capacity);
  const ends = new Map<string, () => void>();
  const results = new Map<string, Promise<unknown>>();
  return {
    admission,
    begin(name: string, share: Share, purpose: BuildPurpose = 'fresh', signal?: AbortSignal) {
      const task = () => new Promise<void>((resolve) => ends.set(name, resolve));
      results.set(name, admission.run(purpose, share, task, signal));
    },
    async end(name: string) {
      ends.get(name)?.();
      ends.delete(name);
      await results.get(name);
      await turn();
    },
    async running() {
      await turn();
      return [...ends.keys()].sort().join(' ');
    },
    result: (name: string) => results.get(name),
  };
}

test('as many run as fit, and the others in order of arrival', async () => {
  const { begin, end, running, admission } = builds(100);
  begin('a', 40);
  begin('b', 40);
  begin('c', 40);
  begin('d', 20);
  // d would fit, but would overtake c.
  expect(await running()).toBe('a b');
  expect(admission.waiting).toBe(2);
  await end('b');
  expect(await running()).toBe('a c d');
  expect(admission.waiting).toBe(0);
});

test('a build that needs more than there is runs, with no other of its purpose beside it', async () => {
  const { begin, end, running } = builds(100);
  begin('a', 10);
  begin('large', 500);
  begin('b', 10);
  expect(await running()).toBe('a');
  await end('a');
  expect(await running()).toBe('large');
  await end('large');
  expect(await running()).toBe('b');
});

test('fresh data does not wait for merges, however large they are and however many wait', async () => {
  const { begin, end, running } = builds(100);
  begin('merge', 1000, 'merge');
  begin('next merge', 1000, 'merge');
  begin('a', 30);
  begin('b', 30);
  begin('c', 30);
  expect(await running()).toBe('a merge');
  await end('a');
  expect(await running()).toBe('b merge');
  await end('b');
  begin('large', 1000);
  await end('c');
  expect(await running()).toBe('large merge');
  await end('large');
  await end('merge');
  expect(await running()).toBe('next merge');
});

test('merges do not wait for ever for fresh data that keeps coming', async () => {
  const { begin, end, running } = builds(100);
  begin('a', 60);
  begin('merge', 50, 'merge');
  begin('b', 30);
  expect(await running()).toBe('a');
  await end('a');
  expect(await running()).toBe('b merge');
});

test('small merges run at once, within half of the memory', async () => {
  const { begin, running } = builds(100);
  for (const name of ['a', 'b', 'c']) begin(name, 20, 'merge');
  expect(await running()).toBe('a b');
});

test('a build that is alone has nothing beside it, and those behind it wait', async () => {
  const { begin, end, running } = builds(100);
  begin('merge', 10, 'merge');
  begin('a', 10);
  begin('alone', 'alone');
  begin('b', 10);
  begin('next merge', 10, 'merge');
  expect(await running()).toBe('a merge');
  await end('a');
  expect(await running()).toBe('merge');
  await end('merge');
  expect(await running()).toBe('alone');
  await end('alone');
  expect(await running()).toBe('b next merge');
});

test('a build that waits when its signal has fired never starts, and holds up none', async () => {
  const { begin, end, running, result } = builds(100);
  const stop = new AbortController();
  begin('a', 100);
  begin('dropped', 100, 'fresh', stop.signal);
  begin('b', 100);
  expect(await running()).toBe('a');
  stop.abort(new Error('stopped'));
  const dropped = expect(result('dropped')).rejects.toThrow('stopped');
  await end('a');
  await dropped;
  expect(await running()).toBe('b');
});

test('whatever comes, all of it runs, and what runs at once fits unless it is one of each purpose', async () => {
  const share = fc.oneof(fc.integer({ min: 1, max: 150 }), fc.constantFrom<Share>('whole', 'alone'));
  const build = fc.record({ purpose: fc.constantFrom<BuildPurpose>('fresh', 'merge'), share, turns: fc.nat(4) });
  await fc.assert(
    fc.asyncProperty(fc.array(build, { maxLength: 30 }), async (all) => {
      const admission = new BuildAdmission(100);
      const running = new Set<(typeof all)[number]>();
      const results = all.map((it) =>
        admission.run(it.purpose, it.share, async () => {
          running.add(it);
          const bytes = [...running].reduce((sum, { share }) => sum + (typeof share === 'number' ? share : 100), 0);
          const purposes = new Set([...running].map(({ purpose }) => purpose));
          if ([...running].some(({ share }) => share === 'alone')) expect(running.size).toBe(1);
          // A merge beside it counts for half at most, so that what is left over fits.
          if (running.size > purposes.size && !purposes.has('merge')) expect(bytes).toBeLessThanOrEqual(100);
          for (let at = 0; at < it.turns; at++) await Promise.resolve();
          running.delete(it);
          if (it.turns === 4) throw new Error('failed');
        }),
      );
      await Promise.allSettled(results);
      expect([running.size, admission.waiting]).toEqual([0, 0]);
    }),
  );
});
