import { expect, test } from 'vitest';
import { LoopTurn } from '../../../src/lib/loop-turn.ts';

/** A clock that stands until it is moved, and turns that end when they are told to. */
function rig() {
  let nowMs = 1_000;
  const deferred: (() => void)[] = [];
  const turn = new LoopTurn(
    () => nowMs,
    (what) => deferred.push(what),
  );
  /** As Node does: what is put off meanwhile is for the turn after, and each is followed by all that it leads to. */
  const end = async (atItsBeginning?: () => void) => {
    const [reset, ...others] = deferred.splice(0);
    for (const what of [reset, atItsBeginning, ...others]) {
      what?.();
      await new Promise(setImmediate);
    }
  };
  return {
    turn,
    end,
    work: (ms: number) => {
      nowMs += ms;
    },
  };
}

/** Five wait in a turn that has been long; each works for four milliseconds once it goes on. */
async function withFiveWaiting() {
  const it = rig();
  const wentOn: number[] = [];
  it.turn.isLong();
  it.work(10);
  const waiting = [0, 1, 2, 3, 4].map(async (at) => {
    await it.turn.room();
    it.work(4);
    wentOn.push(at);
  });
  await new Promise(setImmediate);
  return { ...it, wentOn, waiting };
}

test('a turn is long ten milliseconds after it was first asked about', async () => {
  const { turn, work, end } = rig();
  work(60_000);
  expect(turn.isLong()).toBe(false);
  work(9);
  expect(turn.isLong()).toBe(false);
  work(1);
  expect(turn.isLong()).toBe(true);
  await end();
  work(60_000);
  expect(turn.isLong()).toBe(false);
});

test('there is room at once in a turn that has not been long', async () => {
  const { turn } = rig();
  turn.isLong();
  await turn.room();
});

test('those that wait for room go on in the order they came, as many in a turn as it has time for', async () => {
  const { turn, work, end, wentOn, waiting } = await withFiveWaiting();
  expect(wentOn).toEqual([]);
  await end();
  expect(wentOn).toEqual([0, 1, 2]);
  await end();
  expect(wentOn).toEqual([0, 1, 2, 3, 4]);
  await Promise.all(waiting);
  for (let turns = 0; turns < 3; turns++) {
    await end();
    work(60);
    expect(turn.isLong()).toBe(false);
  }
});

test('work that takes every turn from its beginning does not keep those waiting that ask for room', async () => {
  const { turn, work, end, wentOn, waiting } = await withFiveWaiting();
  const hog = () => {
    turn.isLong();
    work(60);
  };
  await end(hog);
  expect(wentOn).toEqual([0, 1, 2]);
  await end(hog);
  expect(wentOn).toEqual([0, 1, 2, 3, 4]);
  await Promise.all(waiting);
});
