/** What only a process shows: exit codes, signals, pipes, terminals, and a Node that is too old. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, realpath, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { missesNode, requiredNode } from '../../../src/lib/node-floor.ts';
import { MAIN, segmentdProcess } from '../../../testing/cli.ts';
import { realTable } from '../../../testing/lance-table.ts';
import { people } from '../../../testing/people.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

const REPO = fileURLToPath(new URL('../../../', import.meta.url));
const run = promisify(execFile);

test('the exit code is that of the command, and errors go to standard error', async () => {
  const home = await tempDir();
  const { uri } = await realTable(people(0, 10));
  expect(await segmentdProcess(['status', uri])).toMatchObject({ code: 0, stderr: '' });
  expect(await segmentdProcess(['wait', uri, '--version', '9', '--timeout', '0s'])).toMatchObject({ code: 1 });
  expect(await segmentdProcess(['frobnicate'])).toMatchObject({ code: 64, stdout: '' });
  const refused = await segmentdProcess(['run', '-c', join(home, 'nothing.yaml')]);
  expect(refused).toEqual({ code: 78, stdout: '', stderr: expect.stringMatching(/^segmentd: config_unreadable: /) });
});

test('a reader that closes the pipe early ends the command quietly', async () => {
  const { uri } = await realTable(people(0, 10));
  const child = spawn(process.execPath, [MAIN, 'status', uri, '--watch', '0.1'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const errors = text(child.stderr);
  child.stdout.once('data', () => child.stdout.destroy());
  await once(child, 'exit');
  expect([child.exitCode, await errors]).toEqual([0, '']);
});

test('an answer that could not be written is no success', async () => {
  const full = await open('/dev/full', 'w');
  onTestFinished(() => full.close());
  const { uri } = await realTable(people(0, 10));
  for (const args of [['status', uri], ['status', uri, '--json'], ['--version'], ['config', 'defaults']]) {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', full.fd, 'pipe'] });
    const errors = text(child.stderr as Readable);
    await once(child, 'exit');
    expect([args, child.exitCode, await errors]).toEqual([
      args,
      69,
      expect.stringContaining('segmentd: cannot write to standard output: ENOSPC'),
    ]);
  }
});

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends --watch with 0', async (signal) => {
  const { uri } = await realTable(people(0, 10));
  const args = [MAIN, 'status', uri, '--watch', '0.1', '--json'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout.resume(), 'data');
  child.kill(signal);
  await once(child, 'exit');
  expect([child.exitCode, child.signalCode]).toEqual([0, null]);
});

/** Runs a command on a terminal of its own: its input is typed there, too. */
const ON_A_TERMINAL = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
seen, typed = b'', False
while True:
    try:
        data = os.read(terminal, 65536)
    except OSError:
        break
    seen += data
    if not typed and seen.count(b'\\x1b[H') >= 3:
        os.write(terminal, b'\\x03')
        typed = True
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

test('--watch draws a terminal anew with each look, and ends on Control-C with 0', async () => {
  const { database, table } = await realTable(people(0, 10));
  await table.createIndex('id');
  const args = ['-c', ON_A_TERMINAL, process.execPath, MAIN, 'status', database, '--watch', '0.1'];
  const child = spawn('python3', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let seen = '';
  child.stdout.on('data', (data) => {
    seen += data;
  });
  await once(child, 'close');
  expect(child.exitCode).toBe(0);
  expect(seen.startsWith('\x1b[2J\x1b[H')).toBe(true);
  expect(seen.match(/100\.00 %/g)?.length).toBeGreaterThanOrEqual(3);
});

/** Says that the process runs on another Node. */
const pretending = (version: string) => `Object.defineProperty(process.versions, 'node', { value: '${version}' });`;

/** Every Node on the PATH that is older than segmentd needs. */
async function oldNodes(): Promise<string[]> {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = await Promise.all(folders.map((folder) => realpath(join(folder, 'node')).catch(() => null)));
  const nodes = [...new Set(found.filter((path) => path !== null))];
  const versions = await Promise.all(nodes.map((node) => run(node, ['--version'])));
  return nodes.filter((_, at) => missesNode(versions[at]?.stdout.trim().slice(1) ?? '') !== null);
}

test('an older Node is refused in one sentence, with exit code 78', async () => {
  const home = await tempDir();
  const dist = join(home, 'dist');
  await run(process.execPath, [join(REPO, 'scripts/build.ts'), dist]);
  const engines = { node: `>=${requiredNode()}` };
  await writeFile(join(home, 'package.json'), JSON.stringify({ type: 'module', version: '0.0.0', engines }));
  const preload = join(home, 'pretend.cjs');
  await writeFile(preload, pretending('22.14.0'));
  const main = join(dist, 'main.js');
  const ways = [[process.execPath, '--require', preload, main], ...(await oldNodes()).map((node) => [node, main])];
  for (const [node = '', ...args] of ways) {
    const refusal = await run(node, [...args, '--version']).catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      code: 78,
      stdout: '',
      stderr: expect.stringMatching(/^segmentd needs Node \d+\.\d+ or newer; this is Node \d+\.\d+\.\d+\.\n$/),
    });
  }
});
