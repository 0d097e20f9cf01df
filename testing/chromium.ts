/** A real browser: Chromium, driven by Playwright. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { chromium } from 'playwright-core';

const run = promisify(execFile);

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
/** Another process may be installing it, too. */
const INSTALL = [
  '-o',
  'DPkg::Lock::Timeout=300',
  'install',
  '-y',
  '--no-install-recommends',
  'chromium',
  'fonts-dejavu-core',
];

let found: Promise<string> | undefined;

/** Starts the Chromium on the PATH, else Debian's, which is installed first. Rejects where there is none. */
export async function launchChromium(): Promise<Browser> {
  found ??= findChromium();
  // Its sandbox does not work for root, nor in most containers; the only page that it opens is ours.
  return chromium.launch({ executablePath: await found, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

async function findChromium(): Promise<string> {
  const there = await onPath();
  if (there !== undefined) return there;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await run('apt-get', INSTALL, { env }).catch(async () => {
      await run('apt-get', ['update'], { env });
      await run('apt-get', INSTALL, { env });
    });
  } catch (cause) {
    throw new Error(`none of ${NAMES.join(', ')} is on the PATH, and Debian's package cannot be installed`, { cause });
  }
  const installed = await onPath();
  if (installed === undefined) throw new Error('the package chromium has no command of its name');
  return installed;
}

async function onPath(): Promise<string | undefined> {
  for (const name of NAMES) {
    const { stdout } = await run('which', [name]).catch(() => ({ stdout: '' }));
    if (stdout !== '') return stdout.trim();
  }
  return undefined;
}
