import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { runDaemon } from '../../../../src/commands/daemons/run-daemon.ts';
import type { Interrupt } from '../../../../src/commands/terminal/io.ts';
import { invocation } from '../../../../src/commands/terminal/io.ts';
import { tempDir } from '../../../../testing/temp-dir.ts';

/** A daemon without Kafka that has been told to start, and has not started yet. */
async function starting({ port = 0 } = {}) {
  const cwd = await tempDir();
  await mkdir(join(cwd, 'lake'));
  const config = { databases: { lake: './lake' }, http: { port }, state: { scratch_dir: './scratch' } };
  await writeFile(join(cwd, 'segmentd.yaml'), JSON.stringify(config));
  const events: string[] = [];
  const states: string[] = [];
  const listeners = new Set<(kind: Interrupt) => void>();
  const sink = { write: () => true };
  const io = invocation({
    stdout: sink,
    stderr: sink,
    cwd,
    env: {},
    onInterrupt(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    log: (line) => {
      const { event, state } = JSON.parse(line);
      events.push(event);
      if (state) states.push(state);
    },
  });
  const done = runDaemon(io, { config: 'segmentd.yaml' });
  const send = (kind: Interrupt) => {
    for (const listener of listeners) listener(kind);
  };
  onTestFinished(async () => {
    send('interrupt');
    await done.catch(() => undefined);
  });
  return { done, send, events, states, listeners };
}

test('a reload that is asked for while the daemon starts is done once it has started', async () => {
  const { done, send, events } = await starting();
  send('reload');
  await vi.waitFor(() => expect(events).toContain('configReloaded'), { timeout: 20_000 });
  expect(events.indexOf('started')).toBeLessThan(events.indexOf('configReloaded'));
  send('interrupt');
  await done;
  expect(events.filter((event) => event === 'configReloaded')).toHaveLength(1);
});

test('a daemon that is to end while it starts ends, and does not stay behind', async () => {
  const { done, send, events, states, listeners } = await starting();
  send('interrupt');
  await done;
  expect(events).not.toContain('started');
  expect(listeners.size).toBe(0);
  // It lets go of what it opened meanwhile.
  await vi.waitFor(() => expect(states.at(-1)).toBe('stopped'), { timeout: 20_000 });
});

test('a daemon that cannot start says why, and hears nothing any more', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void taken.close());
  await vi.waitFor(() => expect(taken.listening).toBe(true));
  const { done, listeners } = await starting({ port: (taken.address() as { port: number }).port });
  await expect(done).rejects.toMatchObject({ code: 'config_invalid' });
  expect(listeners.size).toBe(0);
});
