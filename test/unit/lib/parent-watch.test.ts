import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ProcessFacts } from '../../../src/lib/parent-watch.ts';
import { watchParent } from '../../../src/lib/parent-watch.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A process with pid 30, started by the shell 20, started by npm 10, started by 1. */
function world(env: Record<string, string> = { npm_command: 'exec' }) {
  const processes = new Map([
    [20, { name: 'sh', ppid: 10 }],
    [10, { name: 'npm exec segmen', ppid: 1 }],
  ]);
  const self = { ppid: 20 };
  const gone = vi.fn();
  const facts: ProcessFacts = { env, ppid: () => self.ppid, look: (pid) => processes.get(pid) };
  return { processes, self, gone, facts, stop: watchParent(gone, facts) };
}

test('as long as npm and its shell are there nothing happens', () => {
  const { gone } = world();
  vi.advanceTimersByTime(60_000);
  expect(gone).not.toHaveBeenCalled();
});

test('the end of the shell is reported once', () => {
  const { self, gone } = world();
  self.ppid = 1;
  vi.advanceTimersByTime(60_000);
  expect(gone).toHaveBeenCalledTimes(1);
});

test('the end of npm is reported although its shell runs on', () => {
  const { processes, gone } = world();
  processes.delete(10);
  processes.set(20, { name: 'sh', ppid: 1 });
  vi.advanceTimersByTime(1_000);
  expect(gone).toHaveBeenCalledTimes(1);
});

test('where other processes cannot be seen, the end of the parent is still reported', () => {
  const gone = vi.fn();
  const self = { ppid: 20 };
  watchParent(gone, { env: { npm_command: 'run' }, ppid: () => self.ppid, look: () => undefined });
  vi.advanceTimersByTime(60_000);
  expect(gone).not.toHaveBeenCalled();
  self.ppid = 1;
  vi.advanceTimersByTime(1_000);
  expect(gone).toHaveBeenCalledTimes(1);
});

test('a supervisor that was itself started by npm may lose its own parent', () => {
  const gone = vi.fn();
  const supervisor = { name: 'pm2', ppid: 15 };
  watchParent(gone, {
    env: { npm_command: 'run' },
    ppid: () => 20,
    look: (pid) => (pid === 20 ? supervisor : undefined),
  });
  supervisor.ppid = 1;
  vi.advanceTimersByTime(60_000);
  expect(gone).not.toHaveBeenCalled();
});

test('a process that npm did not start outlives its parent, and so does one whose watch has ended', () => {
  const alone = world({});
  const ended = world();
  ended.stop();
  alone.self.ppid = 1;
  ended.self.ppid = 1;
  vi.advanceTimersByTime(60_000);
  expect([alone.gone, ended.gone].map((gone) => gone.mock.calls.length)).toEqual([0, 0]);
});
