/** The program as it is shipped: built, and started as the image and the unit for systemd start it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Of Node, for a daemon: Dockerfile and the unit have the same. */
export const DAEMON_FLAGS = ['--max-semi-space-size=4', '--expose-gc'];

const ROOT = fileURLToPath(new URL('..', import.meta.url));
let built: string | undefined;

/** Builds it, once in a process, in a folder that goes with the process and finds there what it needs of the clone. The path of its `main.js`. */
export function shippedProgram(): string {
  built ??= build();
  return built;
}

function build(): string {
  const root = mkdtempSync(join(tmpdir(), 'segmentd-package-'));
  process.once('exit', () => rmSync(root, { recursive: true, force: true }));
  for (const name of ['node_modules', 'package.json', 'config', 'schemas'])
    symlinkSync(join(ROOT, name), join(root, name));
  const { status, stderr } = spawnSync('npm', ['run', 'build', '--', join(root, 'dist')], { cwd: ROOT });
  if (status !== 0) throw new Error(`the build failed: ${String(stderr)}`);
  return join(root, 'dist/main.js');
}
