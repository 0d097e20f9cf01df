import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../../../src/commands/cli.ts';
import { segmentd } from '../../../../testing/cli.ts';
import { tempDir } from '../../../../testing/temp-dir.ts';

test('what is written passes the check of the configuration, and what was there stays unless forced', async () => {
  const home = await tempDir();
  const file = join(home, 'segmentd.yaml');
  const init = (...args: string[]) => segmentd(['init', file, ...args]);
  expect(await init('--folder', 's3://bucket/a?b', '--brokers', 'a:1')).toMatchObject({ code: 78 });
  expect(await init('--folder', './data', '--brokers', 'nonsense')).toMatchObject({
    code: 78,
    stderr: expect.stringContaining(`${file}:`),
  });
  expect(await readdir(home)).toEqual([]);
  expect(await init('--folder', home, '--database', 'lake', '--brokers', 'a:1, b:2')).toMatchObject({ code: 0 });
  expect(await segmentd(['config', 'check', '-c', file])).toEqual({ code: 0, stdout: 'ok\n', stderr: '' });
  const { stdout } = await segmentd(['config', 'print', '-c', file]);
  expect(stdout).toContain('- b:2\n');
  expect(await init('--folder', home, '--force')).toMatchObject({ code: 0 });
  expect(await segmentd(['config', 'check', '-c', file])).toMatchObject({
    code: 0,
    stdout: 'ok (no broker: polls every 10 s)\n',
  });
  await writeFile(file, 'mine');
  const args = ['--folder', './d a: #t', '--database', 'lake', '--brokers', 'a:1'];
  expect(await init(...args)).toMatchObject({ code: 64, stderr: expect.stringContaining('--force overwrites it') });
  expect(await readFile(file, 'utf8')).toBe('mine');
  expect((await init(...args, '--force')).code).toBe(0);
  expect((await segmentd(['config', 'print', '-c', file])).stdout).toContain(join(home, 'd a: #t'));
  expect(await readdir(home)).toEqual(['segmentd.yaml']);
});

test('on a terminal it asks, and takes what it suggests for an empty answer; without one it takes options alone', async () => {
  const cwd = await tempDir();
  const asked: string[] = [];
  const answers = ['./My.Lake', '', 'kafka:9092'];
  const ask = async (question: string) => {
    asked.push(question);
    return answers.shift() ?? '';
  };
  const sink = { write: () => undefined };
  const code = await run(['init'], {
    stdout: sink,
    stderr: sink,
    cwd,
    env: {},
    onInterrupt: () => () => undefined,
    ask,
  });
  expect([code, asked.length, asked[1]]).toEqual([0, 3, expect.stringContaining('[my-lake]')]);
  const text = await readFile(join(cwd, 'segmentd.yaml'), 'utf8');
  expect(text).toMatch(/^ {2}my-lake: \.\/My\.Lake$/m);
  expect(text).toMatch(/^ {2}brokers: \[ ?kafka:9092 ?\]$/m);
  expect(await segmentd(['init', join(cwd, 'other.yaml')])).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('--folder'),
  });
});
