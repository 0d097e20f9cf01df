/** Shells to try completions in, beside the bash that is there. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

const install = (shell: string) => ['-o', 'DPkg::Lock::Timeout=300', 'install', '-y', '--no-install-recommends', shell];

/** Installs Debian's package of the shell unless it is on the PATH. Rejects where it cannot be had. */
export async function ensureShell(shell: string): Promise<void> {
  const isThere = await run('which', [shell]).then(
    () => true,
    () => false,
  );
  if (isThere) return;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', install(shell), { env }).catch(async () => {
    await run('apt-get', ['update'], { env });
    await run('apt-get', install(shell), { env });
  });
}
