import { execFile } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { makeOnce } from './cached-folder.ts';

const run = promisify(execFile);
/** Written last, so that a folder without it is a download that was interrupted. */

/** Commands to run. */
export type Binaries = { readonly prometheus: string; readonly promtool: string };

let found: Promise<Binaries | undefined> | undefined;

/**
 * Prometheus and promtool: those on the PATH, else Debian's package unpacked (not installed, which would start a service) into
 * `SEGMENTD_CACHE_DIR` (default: `.cache` in the repository). Undefined where neither can be had; with `CI=true` that throws,
 * since a check that did not run must not look like one that passed.
 */
export function findPrometheus(): Promise<Binaries | undefined> {
  found ??= find();
  return found;
}

async function find(): Promise<Binaries | undefined> {
  const onPath = { prometheus: 'prometheus', promtool: 'promtool' };
  if (await works(onPath)) return onPath;
  try {
    return await fromPackage();
  } catch (cause) {
    const say = 'no Prometheus on the PATH, and its Debian package cannot be fetched';
    if (process.env.CI === 'true') throw new Error(`${say}: put prometheus and promtool on the PATH`, { cause });
    process.stderr.write(`NOT CHECKED: ${say} (${cause})\n`);
    return undefined;
  }
}

async function works({ prometheus, promtool }: Binaries): Promise<boolean> {
  try {
    await Promise.all([run(prometheus, ['--version']), run(promtool, ['--version'])]);
    return true;
  } catch {
    return false;
  }
}

async function fromPackage(): Promise<Binaries> {
  const cache = resolve(process.env.SEGMENTD_CACHE_DIR || join(import.meta.dirname, '..', '.cache'));
  const home = join(cache, 'prometheus');
  await makeOnce(home, 'prometheus-', unpack);
  const bin = join(home, 'usr', 'bin');
  const binaries = { prometheus: join(bin, 'prometheus'), promtool: join(bin, 'promtool') };
  if (!(await works(binaries))) throw new Error(`${bin} does not run here`);
  return binaries;
}

async function unpack(aside: string): Promise<void> {
  const download = () => run('apt-get', ['download', 'prometheus'], { cwd: aside });
  await download().catch(async () => {
    await run('apt-get', ['update']);
    await download();
  });
  const [file] = (await readdir(aside)).filter((name) => name.endsWith('.deb'));
  if (file === undefined) throw new Error('apt-get downloaded nothing');
  await run('dpkg-deb', ['-x', join(aside, file), aside]);
  await rm(join(aside, file));
}
