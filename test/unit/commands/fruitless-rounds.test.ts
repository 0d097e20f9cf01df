import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FruitlessRounds } from '../../../src/commands/fruitless-rounds.ts';
import type { Moved } from '../../../src/lance/commit/apply-build.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const moved = async () => ({ kind: 'moved' as const, cause: 'input_gone' as const });
const contended = () => Promise.reject(new SegmentdError('commit_contended', 'lost 20 conflicts'));
const committed = async () => ({ kind: 'committed' as const });

/** Runs a round and the pause after it. */
async function run(rounds: FruitlessRounds, round: () => Promise<{ kind: 'committed' } | Moved>) {
  const done = rounds.run<{ kind: 'committed' }>(round);
  done.catch(() => undefined);
  await vi.runAllTimersAsync();
  return done;
}

test('rounds that are lost are counted until one commits; the tenth in a row is an error that says why', async () => {
  const rounds = new FruitlessRounds();
  for (let at = 0; at < 9; at++) expect(await run(rounds, at % 2 ? moved : contended)).toBeNull();
  expect(await run(rounds, committed)).toEqual({ kind: 'committed' });
  for (let at = 0; at < 9; at++) expect(await run(rounds, moved)).toBeNull();
  await expect(run(rounds, moved)).rejects.toMatchObject({
    code: 'commit_contended',
    message: /10 rounds .* input_gone/,
  });
});

test('any other error ends at once', async () => {
  const error = new SegmentdError('store_full', 'no room');
  await expect(run(new FruitlessRounds(), () => Promise.reject(error))).rejects.toBe(error);
});
