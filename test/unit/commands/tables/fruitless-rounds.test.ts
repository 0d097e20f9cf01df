import { expect, test } from 'vitest';
import { FruitlessRounds } from '../../../../src/commands/tables/fruitless-rounds.ts';
import { SegmentdError } from '../../../../src/lib/errors.ts';

const moved = async () => ({ kind: 'moved' as const, cause: 'input_gone' as const });
const contended = () => Promise.reject(new SegmentdError('commit_contended', 'lost 20 conflicts'));
const committed = async () => ({ kind: 'committed' as const });

const pauses: number[] = [];
const newRounds = () => new FruitlessRounds(async (ms) => void pauses.push(ms));

test('rounds that are lost are counted until one commits; the tenth in a row is an error that says why', async () => {
  const rounds = newRounds();
  for (let at = 0; at < 9; at++) expect(await rounds.run(at % 2 ? moved : contended)).toBeNull();
  expect(await rounds.run(committed)).toEqual({ kind: 'committed' });
  for (let at = 0; at < 9; at++) expect(await rounds.run(moved)).toBeNull();
  expect(pauses.slice(0, 9)).toEqual([100, 200, 300, 400, 500, 600, 700, 800, 900]);
  await expect(rounds.run(moved)).rejects.toMatchObject({
    code: 'build_stale',
    message: expect.stringMatching(/^10 rounds .* input_gone$/),
  });
  await expect(rounds.run(contended)).rejects.toMatchObject({
    code: 'commit_contended',
    message: expect.stringMatching(/^11 rounds .* lost 20 conflicts$/),
  });
});

test('a merge that was rejected counts like a build under which the table moved', async () => {
  const rounds = newRounds();
  const rejected = async () => ({ kind: 'rejected' as const, cause: 'files_gone' });
  for (let at = 0; at < 9; at++) expect(await rounds.run(rejected)).toBeNull();
  await expect(rounds.run(rejected)).rejects.toMatchObject({ code: 'build_stale' });
});

test('any other error ends at once', async () => {
  const error = new SegmentdError('store_full', 'no room');
  await expect(newRounds().run(() => Promise.reject(error))).rejects.toBe(error);
});
