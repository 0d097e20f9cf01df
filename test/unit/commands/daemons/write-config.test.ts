import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../../../src/commands/cli.ts';
import type { InitOptions } from '../../../../src/commands/daemons/write-config.ts';
import { writeConfig } from '../../../../src/commands/daemons/write-config.ts';
import { invocation } from '../../../../src/commands/terminal/io.ts';
import type { Finding } from '../../../../src/daemon/findings.ts';
import { errorAt, noteAt } from '../../../../src/daemon/findings.ts';
import { segmentd } from '../../../../testing/cli.ts';
import { tempDir } from '../../../../testing/temp-dir.ts';

/** Writes `segmentd.yaml` in `home`, where stores and brokers say what is `found`; returns what people read. */
async function written(home: string, options: InitOptions, found: readonly Finding[] = []): Promise<string> {
  const lines: string[] = [];
  const sink = { write: (text: string) => lines.push(text.replaceAll(home, '~')) };
  const io = { stdout: sink, stderr: sink, cwd: home, env: {}, onInterrupt: () => () => undefined };
  await writeConfig(invocation(io), 'segmentd.yaml', options, async () => [...found]);
  return lines.join('');
}

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
  await written(home, { folder: home, database: 'lake', brokers: 'a:1, b:2' });
  expect(await segmentd(['config', 'check', '-c', file])).toEqual({ code: 0, stdout: 'ok\n', stderr: '' });
  const { stdout } = await segmentd(['config', 'print', '-c', file]);
  expect(stdout).toContain('- b:2\n');
  expect(await init('--folder', home, '--force')).toMatchObject({ code: 0, stderr: '' });
  expect(await segmentd(['config', 'check', '-c', file])).toMatchObject({
    code: 0,
    stdout: 'ok (no broker: polls every 10 s)\n',
  });
  await writeFile(file, 'mine');
  const args = ['--folder', './d a: #t', '--database', 'lake'];
  expect(await init(...args)).toMatchObject({ code: 64, stderr: expect.stringContaining('--force overwrites it') });
  expect(await readFile(file, 'utf8')).toBe('mine');
  expect((await init(...args, '--force')).code).toBe(0);
  expect((await segmentd(['config', 'print', '-c', file])).stdout).toContain(join(home, 'd a: #t'));
  expect(await readdir(home)).toEqual(['segmentd.yaml']);
});

test('what run refuses is refused with the code and the place, and no file is there', async () => {
  const home = await tempDir();
  await mkdir(join(home, 'lake/t.lance/_versions'), { recursive: true });
  await writeFile(join(home, 'lake/file'), '');
  for (const [folder, problem] of [
    ['lake/t.lance', 'is a table; a database is the folder that holds it'],
    ['lake/file', 'is a file, or lies below one'],
  ] as const) {
    const file = join(home, 'segmentd.yaml');
    const { code, stderr } = await segmentd(['init', file, '--folder', folder]);
    expect([code, stderr]).toEqual([78, expect.stringMatching(/^segmentd: config_invalid: .*\n {2}.*yaml:\d+:\d+: /)]);
    expect(stderr).toContain(problem);
  }
  // That of an object store is known only when it was asked.
  const found = [errorAt(['databases', 'lake'], 's3://b/lake is a table', 'config_invalid')];
  await expect(written(home, { folder: 's3://b/lake' }, found)).rejects.toMatchObject({ code: 'config_invalid' });
  expect(await readdir(home)).toEqual(['lake']);
});

test('what may come right by itself is a warning, told once, and the file is written', async () => {
  const home = await tempDir();
  const found = [
    errorAt(['kafka', 'brokers'], 'connect ECONNREFUSED', 'broker_unavailable'),
    noteAt(['kafka', 'topic'], 'run creates it'),
  ];
  const text = await written(home, { folder: './later', database: 'lake', brokers: 'a:1' }, [...found, ...found]);
  expect(text.split('\n')).toEqual([
    'warning: ~/segmentd.yaml:6:9: databases.lake: database_not_found: there is no folder ~/later; segmentd waits for it',
    'warning: ~/segmentd.yaml:16:12: kafka.brokers: broker_unavailable: connect ECONNREFUSED',
    'wrote ~/segmentd.yaml',
    expect.stringContaining('next: segmentd doctor -c segmentd.yaml'),
    '',
  ]);
});

test('a file that is there is told before anything is asked', async () => {
  const cwd = await tempDir();
  await writeFile(join(cwd, 'segmentd.yaml'), 'mine');
  const sink = { write: () => undefined };
  const io = { stdout: sink, stderr: sink, cwd, env: {}, onInterrupt: () => () => undefined };
  const ask = async () => expect.unreachable('it has asked');
  expect(await run(['init'], { ...io, ask })).toBe(64);
});

test('on a terminal it asks, and takes what it suggests for an empty answer; without one it takes options alone', async () => {
  const cwd = await tempDir();
  const asked: string[] = [];
  const answers = ['./My.Lake', '', ''];
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
  expect(text).toMatch(/^# {3}brokers: \[localhost:9092\]$/m);
  await written(cwd, { folder: './x', brokers: 'kafka:9092', force: true });
  expect(await readFile(join(cwd, 'segmentd.yaml'), 'utf8')).toMatch(/^ {2}brokers: \[ ?kafka:9092 ?\]$/m);
  expect(await segmentd(['init', join(cwd, 'other.yaml')])).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('--folder'),
  });
});
