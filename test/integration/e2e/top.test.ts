import { expect, test } from 'vitest';
import { run } from '../../../src/commands/cli.ts';
import { segmentd } from '../../../testing/cli.ts';
import { makeTable, makeWorld, until } from './world.ts';

test('top shows the tables of a daemon, follows it, says when it is gone, and ends at q', async () => {
  const world = await makeWorld({ sweep: { interval_s: 5 } });
  await makeTable(world, 'people', 10);
  const daemon = await world.daemon();
  await until('the table is known', async () =>
    (await segmentd(['top', '--daemon', daemon.url])).stdout.includes('db/people'),
  );
  // Without a terminal once, from the address in the configuration too.
  const once = await segmentd(['top', '-c', world.configFile]);
  expect(once).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^segmentd .*running(?:.|\n)*\ndb\/people +served/),
  });

  let written = '';
  let press: (key: string) => void = () => undefined;
  const done = run(['top', '--daemon', daemon.url], {
    stdout: { isTTY: true, columns: 80, rows: 12, write: (text) => (written += text) },
    stderr: { write: () => undefined },
    cwd: world.home,
    env: { NO_COLOR: '1' },
    onInterrupt: () => () => undefined,
    onKeys: (listener) => {
      press = listener;
      return () => undefined;
    },
  });
  await until('it is drawn', async () => written.includes('db/people'));
  press('s');
  expect(written).toContain('all 1, by name  / filter');
  expect(await daemon.stop()).toBe(0);
  await until('it is said to be stale', async () => written.includes('STALE: '));
  press('q');
  expect(await done).toBe(0);
  expect(written.endsWith('\x1b[?25h\x1b[?1049l')).toBe(true);
});

test('top of a daemon that is not there is an error', async () => {
  expect((await segmentd(['top', '--daemon', 'http://127.0.0.1:1'])).code).toBe(69);
});
