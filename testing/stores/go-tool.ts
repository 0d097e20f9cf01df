/** Servers that are built with Go where the machine has it. */
import { execFile, spawnSync } from 'node:child_process';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { cachedFolder } from '../cached-folder.ts';

/** What versitygw 1.8 needs. */
const MIN_GO = [1, 25] as const;

/** Milliseconds that a hook needs which builds a server: of versitygw two and a half minutes on two cores, downloads included. */
export const GO_BUILD_MS = 600_000;

let found: boolean | undefined;

/**
 * Whether the machine has a Go that builds the servers. Where it has none, tests of them are not there, and a line says so: no package
 * manager that CI uses has a Go that is new enough.
 */
export function hasGo(): boolean {
  if (found !== undefined) return found;
  const { stdout } = spawnSync('go', ['version'], { encoding: 'utf8' });
  const [, major = 0, minor = 0] = (/go(\d+)\.(\d+)/.exec(stdout ?? '') ?? []).map(Number);
  found = major > MIN_GO[0] || (major === MIN_GO[0] && minor >= MIN_GO[1]);
  if (!found) {
    process.stderr.write(`NOT CHECKED: no Go ${MIN_GO.join('.')} or newer: no GCS emulator and no versitygw\n`);
  }
  return found;
}

/** The command that a Go module installs, built once; `module` is a path without version. See GO_BUILD_MS. */
export async function goCommand(module: string, version: string): Promise<string> {
  const name = basename(module);
  const home = await cachedFolder(`${name}-${version}`, async (aside) => {
    // A build below a repository would ask git for its state, and fail where git must not tell.
    const env = { ...process.env, GOFLAGS: '-buildvcs=false', GOBIN: aside };
    // Of code that is hardly used, optimizing takes longer than it saves.
    await promisify(execFile)('go', ['install', '-gcflags=all=-N -l', `${module}@v${version}`], { env });
  });
  return join(home, name);
}
