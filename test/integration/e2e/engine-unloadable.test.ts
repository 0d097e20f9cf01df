/** A machine for which there is no LanceDB: `run` and `doctor` say so, though neither needs it for its first seconds. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { MAIN } from '../../../testing/cli.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

const WITHOUT_LANCEDB = `
  import { registerHooks } from 'node:module';
  registerHooks({
    resolve(name, context, next) {
      if (name === '@lancedb/lancedb') throw new Error('there is no native binding');
      return next(name, context);
    },
  });`;

/** Runs a command of a configuration with one empty database and no Kafka; how it ended. */
async function ended(...command: readonly string[]) {
  const home = await tempDir();
  await mkdir(join(home, 'lake'));
  const config = { databases: { lake: './lake' }, http: { port: 0 }, state: { scratch_dir: './scratch' } };
  await writeFile(join(home, 'segmentd.yaml'), JSON.stringify(config));
  await writeFile(join(home, 'without.mjs'), WITHOUT_LANCEDB);
  const args = ['--import', './without.mjs', MAIN, ...command, '-c', 'segmentd.yaml'];
  const outcome = await promisify(execFile)(process.execPath, args, { cwd: home }).catch((error: unknown) => error);
  return outcome as { code?: number; stdout: string; stderr: string };
}

test('run ends with the code for it, and its log says why', async () => {
  const { code, stdout, stderr } = await ended('run');
  expect(code).toBe(78);
  expect(stderr).toMatch(/^segmentd: engine_unloadable: LanceDB cannot be loaded: there is no native binding\n/);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.filter(({ level }) => level === 'error')).toMatchObject([
    { error: { code: 'engine_unloadable', message: expect.stringContaining('no native binding') } },
  ]);
});

test('doctor finds it', async () => {
  const { code, stdout } = await ended('doctor');
  expect(code).toBe(78);
  expect(stdout).toMatch(/^error +versions +LanceDB cannot be loaded: there is no native binding$/m);
});
