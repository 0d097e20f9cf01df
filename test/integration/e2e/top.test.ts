import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { status } from '../../../scripts/status-schemas.ts';
import { run } from '../../../src/commands/cli.ts';
import { segmentd } from '../../../testing/cli.ts';
import { madeUpStatus } from '../../../testing/made-up-status.ts';
import { expectAnswer } from './answer-schemas.ts';
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
  await until('it is said to be stale', async () => written.includes('STALE: what stands below is '));
  press('q');
  expect(await done).toBe(0);
  expect(written.endsWith('\x1b[?25h\x1b[?1049l')).toBe(true);
});

test('top of a daemon that is not there is an error', async () => {
  expect((await segmentd(['top', '--daemon', 'http://127.0.0.1:1'])).code).toBe(69);
});

test('top of a daemon that hangs says so, and with how old an answer, and ends at q all the same', async () => {
  const body = JSON.stringify(madeUpStatus(3, Date.now()));
  let answers = 1;
  // Takes every request, and answers the first.
  const server = createServer((_, response) => (answers-- > 0 ? response.end(body) : undefined)).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  let written = '';
  let press: (key: string) => void = () => undefined;
  const done = run(['top', '--daemon', `http://127.0.0.1:${(server.address() as AddressInfo).port}`], {
    stdout: { isTTY: true, columns: 80, rows: 12, write: (text) => (written += text) },
    stderr: { write: () => undefined },
    cwd: '/',
    env: { NO_COLOR: '1' },
    onInterrupt: () => () => undefined,
    onKeys: (listener) => {
      press = listener;
      return () => undefined;
    },
  });
  await until('it is said', async () => /NO ANSWER: what stands below is 1\.[5-9] s old/.test(written));
  press('q');
  expect(await done).toBe(0);
});

test('top as JSON is what the daemon says, once', async () => {
  const world = await makeWorld();
  const daemon = await world.daemon();
  const { code, stdout } = await segmentd(['top', '--daemon', daemon.url, '--json']);
  expectAnswer(JSON.parse(stdout), status);
  expect([code, stdout.split('\n').length]).toEqual([0, 2]);
  expect(await daemon.stop()).toBe(0);
});
