/** Members of one group that are killed, stopped and added. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from '../e2e/world.ts';
import { until } from '../e2e/world.ts';
import type { Member } from './member.ts';
import { startMember } from './member.ts';

/** What happens in turn. Never fewer than one member, never more than four; each pair of neighbours also comes reversed. */
const STEPS = ['kill', 'add', 'stop', 'add', 'add', 'kill', 'stop', 'add', 'kill', 'kill', 'add', 'add'] as const;

export type Turmoil = {
  readonly running: Set<Member>;
  readonly counts: Record<'kill' | 'stop' | 'add', number>;
  /** Exit codes of those that were stopped. */
  readonly stopped: (number | null)[];
};

export async function startGroup(world: World, members: number): Promise<Turmoil> {
  const running = new Set<Member>();
  for (let at = 0; at < members; at++) running.add(await startMember(world.configFile));
  await Promise.all([...running].map((member) => member.untilReady()));
  return { running, counts: { kill: 0, stop: 0, add: 0 }, stopped: [] };
}

/** One step after the other, with `pauseMs` between, until `lengthMs` have gone by. The oldest member goes first. */
export async function stirUp(world: World, turmoil: Turmoil, lengthMs: number, pauseMs: number): Promise<void> {
  const { running, counts, stopped } = turmoil;
  const endMs = Date.now() + lengthMs;
  for (let at = 0; Date.now() < endMs; at++) {
    const step = STEPS[at % STEPS.length] as (typeof STEPS)[number];
    const [oldest] = running;
    counts[step]++;
    if (step === 'add') running.add(await startMember(world.configFile));
    else if (oldest) {
      running.delete(oldest);
      // Before it is up, a signal ends it like any other process.
      if (step === 'stop') await until('it can be asked', async () => (await oldest.probe('/healthz')) === 200);
      const code = await oldest.end(step === 'kill' ? 'SIGKILL' : 'SIGTERM');
      if (step === 'stop') stopped.push(code);
    }
    await sleep(pauseMs);
  }
}
