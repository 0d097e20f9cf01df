import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { LogLine } from '../../../testing/daemon-process.ts';
import type { World } from '../e2e/world.ts';
import { entriesOf, makeWorld } from '../e2e/world.ts';
import { connect } from './kafka-bench.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));
const patience = { timeout: 60_000, interval: 50 };

/** Starts a program that runs a daemon, and waits until the daemon runs. `ended` resolves when all of them have ended. */
async function startBelow(program: string, args: string[]) {
  // In a process group of its own, so that a test that fails leaves none of them behind.
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  onTestFinished(() => endGroup(child));
  const log: LogLine[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('{')) log.push(JSON.parse(line) as LogLine);
  });
  const states = () => log.filter(({ event }) => event === 'stateChanged').map(({ state }) => state);
  await vi.waitFor(() => expect(states()).toContain('running'), patience);
  // The pipe closes when the last process that holds it has ended.
  const ended = new Promise((resolve) => child.stdout.once('close', resolve));
  return { child, states, ended };
}

function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // All of them have ended.
  }
}

async function membersOf({ settings }: World): Promise<number | undefined> {
  const { admin } = await connect(settings);
  const { groups } = await admin.describeGroups([settings.groupId]);
  return groups[0]?.members.length;
}

const commandOf = ({ configFile }: World) => `"${process.execPath}" "${MAIN}" run -c "${configFile}"`;

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'a daemon whose npm was ended by %s drains and leaves its group',
  async (signal) => {
    const world = await makeWorld();
    const { child, states, ended } = await startBelow('npm', ['exec', '-c', commandOf(world)]);
    child.kill(signal);
    await ended;
    expect(states().slice(-2)).toEqual(['draining', 'stopped']);
    expect(await membersOf(world)).toBe(0);
  },
);

test('a daemon whose terminal was closed drains, though it can log no more', async () => {
  const world = await makeWorld();
  const { child } = await startBelow('script', ['-qfec', commandOf(world), '/dev/null']);
  expect(await membersOf(world)).toBe(1);
  child.kill('SIGKILL');
  await vi.waitFor(async () => expect(await entriesOf(world.scratch)).toEqual([]), patience);
  expect(await membersOf(world)).toBe(0);
});
