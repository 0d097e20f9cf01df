/** The unit for systemd, by systemd's own checks. .ci/run installs systemd where it is not. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, realpath, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { EXIT } from '../../../src/lib/errors.ts';
import { docSnippet } from '../../../testing/doc-snippet.ts';
import { DAEMON_FLAGS } from '../../../testing/shipped-program.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

const run = promisify(execFile);
const REPO = fileURLToPath(new URL('../../../', import.meta.url));
const COMMAND = 'segmentd run -c /etc/segmentd/segmentd.yaml';
/** systemd 252 says 1.4; newer ones look at more. From 4 on it speaks of medium exposure. */
const MOST_EXPOSED = 2;

const unit = await readFile(join(REPO, 'config/deploy/systemd/segmentd.service'), 'utf8');
const setting = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1];

/** The unit in a file, for a program that is here. */
async function unitFile(text = unit): Promise<string> {
  const file = join(await tempDir(), 'segmentd.service');
  await writeFile(file, text.replace(`ExecStart=${COMMAND}`, `ExecStart=${process.execPath}`));
  return file;
}

const verify = (file: string) => run('systemd-analyze', ['verify', '--man=no', file]);

test('systemd finds nothing to complain of, and sees a mistake', async () => {
  await expect(verify(await unitFile())).resolves.toMatchObject({ stderr: '' });
  const wrong = await unitFile(unit.replace('Restart=always', 'Restrat=always'));
  const { stderr } = await verify(wrong).catch((error) => error);
  expect(stderr).toContain('Restrat');
});

test('it starts what npm has put into the folders that systemd searches, and by the drop-in of docs/install.md what lies elsewhere', async () => {
  expect(setting('ExecStart')).toBe(COMMAND);
  expect(unit).toContain(`\nEnvironment="NODE_OPTIONS=${DAEMON_FLAGS.join(' ')}"\n`);
  const { stdout: searched } = await run('systemd-path', ['search-binaries-default']);
  expect(searched.trim().split(':')).toEqual(expect.arrayContaining(['/usr/local/bin', '/usr/bin']));

  // No path of a machine is in the unit: it goes into the file as it is, for a program that is in none of these folders.
  const units = await tempDir();
  const file = join(units, 'segmentd.service');
  await writeFile(file, unit.replace('=segmentd run', '=segmentd-elsewhere run'));
  await expect(verify(file)).rejects.toMatchObject({ stderr: expect.stringContaining('not executable') });

  const prefix = await tempDir();
  const main = join(prefix, 'lib', 'node_modules', 'segmentd', 'dist', 'main.js');
  await mkdir(join(prefix, 'bin'));
  await mkdir(join(main, '..'), { recursive: true });
  await writeFile(main, '#!/usr/bin/env node\n', { mode: 0o755 });
  await symlink(main, join(prefix, 'bin', 'segmentd'));
  await symlink(process.execPath, join(prefix, 'bin', 'node'));
  const dropIn = docSnippet('install.md', 'Where npm installs elsewhere', {
    '/etc/systemd/system': units,
    'systemctl daemon-reload': '',
  });
  const PATH = [join(prefix, 'bin'), process.env.PATH].join(':');
  await run('sh', ['-c', dropIn], { env: { ...process.env, PATH } });
  await expect(verify(file)).resolves.toMatchObject({ stderr: '' });
  const lines = (await readFile(join(units, 'segmentd.service.d', 'path.conf'), 'utf8')).split('\n');
  expect(lines).toContain(`ExecStart=${await realpath(process.execPath)} ${main} run -c /etc/segmentd/segmentd.yaml`);
});

test(`systemd rates its exposure at ${MOST_EXPOSED} of 10 at most`, async () => {
  const args = ['security', '--offline=true', '--no-pager', `--threshold=${MOST_EXPOSED * 10}`];
  const { stdout } = await run('systemd-analyze', [...args, await unitFile()]);
  expect(stdout).toContain('Overall exposure level');
  const open = await unitFile(
    unit.replaceAll(/^(Protect|Private|Restrict|SystemCall|CapabilityBounding)\w+=.*$/gm, ''),
  );
  await expect(run('systemd-analyze', [...args, open])).rejects.toMatchObject({ code: 1 });
});

test('it lets the builds of large merges go last, and outlives one that the kernel ends', () => {
  expect(setting('OOMPolicy')).toBe('continue');
  expect(
    unit
      .split('\n')
      .filter((line) => line.startsWith('SystemCallFilter='))
      .at(-1),
  ).toBe('SystemCallFilter=setpriority');
});

test('it gives the daemon the time that it needs to stop, and does not start what cannot run', () => {
  const { shutdown, kafka } = loadConfig({
    env: { SEGMENTD_DATABASES: '{lake: /lake}', SEGMENTD_KAFKA_BROKERS: 'a:9092' },
    cwd: '/',
  });
  expect(Number(setting('TimeoutStopSec')) * 1000).toBeGreaterThan(
    shutdown.drain_ms + (kafka?.request_timeout_ms ?? Number.NaN) + 10_000,
  );
  expect(setting('RestartPreventExitStatus')).toBe(String(EXIT.config));
  const folder = `/var/cache/${setting('CacheDirectory')}/`;
  expect(setting('Environment')).toContain(`SEGMENTD_STATE_SCRATCH_DIR=${folder}`);
});
