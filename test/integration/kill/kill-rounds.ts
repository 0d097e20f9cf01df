/** Processes that are killed one after the other: each start recovers from the last kill, and is killed itself. */
import { readdir } from 'node:fs/promises';
import { expect, onTestFinished } from 'vitest';
import { until } from '../e2e/world.ts';
import type { Arming } from './kill-points.ts';
import { armingOf, Hits } from './kill-points.ts';
import type { Append, KillWorld } from './kill-world.ts';
import type { Mortal } from './mortal.ts';

/** Where the events go, and how far they are acknowledged for good. */
export type EventLog = {
  send(event: string): Promise<void>;
  /** The offset that a process would begin at now. */
  position(): Promise<number>;
};

export type RoundsSetup<A = Arming> = {
  readonly world: KillWorld;
  readonly events: EventLog;
  readonly scratch: string;
  readonly start: () => Mortal;
  /** Resolves once the process dies where it is to. */
  readonly arm: (mortal: Mortal, arming: A) => Promise<void>;
  /** Of one fragment each, in a round; 2 unless given. */
  readonly appends?: number;
  /** Merges are left to the next batch: they are not waited for. */
  readonly leavesMerges?: boolean;
};

/** Rounds with one table; after them its leftovers are collected. */
const ROUNDS_PER_TABLE = 8;
const DEATH_WITHIN_MS = 60_000;

export type Leftovers = { folders: number; staged: number; merges: number };

const AT_ONCE = 2;

/** What a share's tables are like: one half has stable row ids. */
export type Share = { readonly stableRowIds: boolean };

/** Kills so many times, from the first round on or a later one, in shares side by side; every point must have been hit. */
export async function killRounds(
  rounds: number,
  openSetup: (share: Share) => Promise<RoundsSetup>,
  first = 0,
): Promise<Leftovers[]> {
  const hits = new Hits();
  const armings = Array.from({ length: rounds }, (_, round) => armingOf(first + round));
  const shares = Array.from({ length: AT_ONCE }, (_, share) =>
    armings.filter((_arming, round) => round % AT_ONCE === share),
  );
  const left = await Promise.all(
    shares.map(async (share, at) =>
      runRounds(await openSetup({ stableRowIds: at % 2 === 1 }), share, (arming) => hits.add(arming)),
    ),
  );
  process.stdout.write(`killed ${hits.total} times: ${hits}; left behind ${JSON.stringify(left)}\n`);
  expect(hits.total).toBe(rounds);
  expect(hits.missed).toEqual([]);
  for (const { merges } of left) expect(merges, 'merges that landed').toBeGreaterThan(0);
  return left;
}

/** Kills once for each arming, in turn; `onHit` is called after each. */
export async function runRounds<A>(
  setup: RoundsSetup<A>,
  armings: readonly A[],
  onHit: (arming: A) => void,
): Promise<Leftovers> {
  const { world, events, appends = 2 } = setup;
  const sent: Append[] = [];
  const left = { folders: 0, staged: 0, merges: 0 };
  const collect = async () => {
    const { folders, staged } = await world.checkCleanup();
    left.folders += folders;
    left.staged += staged;
  };
  const send = async () => {
    const append = await world.append();
    sent.push(append);
    await events.send(append.event);
  };
  for (const [round, arming] of armings.entries()) {
    const mortal = await live(setup, sent);
    if (round > 0) await world.checkRecovered(setup.scratch);
    if (round % ROUNDS_PER_TABLE === 0) {
      if (round > 0) await collect();
      await world.nextTable();
    }
    await setup.arm(mortal, arming);
    for (let append = 0; append < appends; append++) await send();
    await mortal.death(DEATH_WITHIN_MS).catch((cause: unknown) => {
      throw new Error(`it was to die at ${JSON.stringify(arming)}`, { cause });
    });
    onHit(arming);
    await world.checkRuin(sent.slice(0, await events.position()));
  }
  const last = await live(setup, sent);
  await world.checkRecovered(setup.scratch);
  if ((await last.stop()) !== 0) throw new Error('the last process did not end well');
  if ((await readdir(setup.scratch)).length > 0) throw new Error('the last process left scratch files');
  if ((await events.position()) !== sent.length) throw new Error('not every event was acknowledged in the end');
  await collect();
  return { ...left, merges: world.merges };
}

/** Starts a process and waits until nothing is left to do. */
async function live<A>({ start, events, world, leavesMerges }: RoundsSetup<A>, sent: Append[]): Promise<Mortal> {
  const mortal = start();
  onTestFinished(() => mortal.kill());
  await mortal.ready;
  const caughtUp = () => until('the next process has caught up', async () => (await events.position()) === sent.length);
  await caughtUp();
  const last = sent.at(-1);
  if (!last) return mortal;
  if (!(await world.isCovered())) throw new Error('everything is acknowledged, but not covered');
  if (!leavesMerges && !(await world.isMerged())) {
    // A merge that a death cut off goes on with the next event of the table, even one that was seen before.
    sent.push(last);
    await events.send(last.event);
    await caughtUp();
    await until('the next process has merged what there is', () => world.isMerged());
  }
  return mortal;
}
