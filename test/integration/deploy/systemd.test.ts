/** The unit for systemd, by systemd's own checks. .ci/run installs systemd where it is not. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { EXIT } from '../../../src/lib/errors.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

const run = promisify(execFile);
const REPO = fileURLToPath(new URL('../../../', import.meta.url));
const PROGRAM = '/usr/local/bin/segmentd';
/** systemd 252 says 1.4; newer ones look at more. From 4 on it speaks of medium exposure. */
const MOST_EXPOSED = 2;

const unit = await readFile(join(REPO, 'config/deploy/systemd/segmentd.service'), 'utf8');
const setting = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1];

/** The unit in a file, for a program that is here. */
async function unitFile(text = unit): Promise<string> {
  const file = join(await tempDir(), 'segmentd.service');
  await writeFile(file, text.replace(PROGRAM, process.execPath));
  return file;
}

test('systemd finds nothing to complain of, and sees a mistake', async () => {
  await expect(run('systemd-analyze', ['verify', '--man=no', await unitFile()])).resolves.toMatchObject({ stderr: '' });
  const wrong = await unitFile(unit.replace('Restart=always', 'Restrat=always'));
  const { stderr } = await run('systemd-analyze', ['verify', '--man=no', wrong]).catch((error) => error);
  expect(stderr).toContain('Restrat');
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
