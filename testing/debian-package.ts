/** Programs of a Debian package, unpacked into the cache and not installed: that would start services. */
import { execFile } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cachedFolder } from './cached-folder.ts';

const run = promisify(execFile);

/**
 * The commands to run `names`: those on the PATH, else those of Debian's package, which is unpacked into a folder of `SEGMENTD_CACHE_DIR`
 * (default: `.cache` in the repository). Undefined where neither can be had; with `CI=true` that throws, since a check that did not run
 * must not look like one that passed.
 */
export async function debianPrograms<N extends string>(
  packageName: string,
  names: readonly N[],
): Promise<Readonly<Record<N, string>> | undefined> {
  const at = (place: (name: N) => string) =>
    Object.fromEntries(names.map((name) => [name, place(name)])) as Record<N, string>;
  const onPath = at((name) => name);
  if (await work(onPath)) return onPath;
  try {
    const home = await cachedFolder(packageName, (aside) => unpack(packageName, aside));
    const unpacked = at((name) => join(home, 'usr', 'bin', name));
    if (!(await work(unpacked))) throw new Error(`${home} does not run here`);
    return unpacked;
  } catch (cause) {
    const say = `no ${names.join(' and ')} on the PATH, and Debian's package ${packageName} cannot be fetched`;
    if (process.env.CI === 'true') throw new Error(`${say}: put them on the PATH`, { cause });
    process.stderr.write(`NOT CHECKED: ${say} (${cause})\n`);
    return undefined;
  }
}

async function work(programs: Readonly<Record<string, string>>): Promise<boolean> {
  try {
    await Promise.all(Object.values(programs).map((program) => run(program, ['--version'])));
    return true;
  } catch {
    return false;
  }
}

async function unpack(packageName: string, aside: string): Promise<void> {
  const download = () => run('apt-get', ['download', packageName], { cwd: aside });
  await download().catch(async () => {
    await run('apt-get', ['update']);
    await download();
  });
  const [file] = (await readdir(aside)).filter((name) => name.endsWith('.deb'));
  if (file === undefined) throw new Error('apt-get downloaded nothing');
  await run('dpkg-deb', ['-x', join(aside, file), aside]);
  await rm(join(aside, file));
}
