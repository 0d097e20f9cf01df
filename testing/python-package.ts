/** Python packages for tests, installed once and kept. */
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { makeOnce } from './cached-folder.ts';

const run = promisify(execFile);

export const PYTHON = 'python3';
const ABI = 'import sys, sysconfig; print(sys.implementation.cache_tag, sysconfig.get_platform())';

/**
 * A folder that holds a package with its dependencies, for PYTHONPATH: not a virtual environment, which Debian's Python cannot
 * make by itself. It lies below `SEGMENTD_CACHE_DIR` (default: `.cache` in the repository). Rejects where it cannot be had, and where
 * the Python program `works` fails with it, which is tried once, after it was installed. `beside`: requirements that come along.
 */
export async function pythonPackage(
  name: string,
  version: string,
  works?: string,
  beside: readonly string[] = [],
): Promise<string> {
  const { stdout: abi } = await run(PYTHON, ['-c', ABI]);
  const cache = resolve(process.env.SEGMENTD_CACHE_DIR || join(import.meta.dirname, '..', '.cache'));
  const home = join(cache, name, `${version}-${abi.trim().replaceAll(' ', '-')}`);
  await makeOnce(home, 'install-', async (aside) => {
    await install([`${name}==${version}`, ...beside], aside);
    if (works) await run(PYTHON, ['-s', '-c', works], { env: { ...process.env, PYTHONPATH: aside } });
  });
  return home;
}

async function install(requirements: readonly string[], aside: string): Promise<void> {
  const quiet = ['--quiet', '--no-input', '--no-warn-conflicts', '--disable-pip-version-check'];
  await run(PYTHON, ['-m', 'pip', 'install', ...quiet, '--only-binary', ':all:', '--target', aside, ...requirements]);
}
