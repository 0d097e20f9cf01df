/**
 * A scratch folder per process, below one that processes share. What a killed process left behind is removed by the next one
 * that starts on the same host.
 */
import { randomUUID } from 'node:crypto';
import { access, constants, readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { errnoOf, messageOf, SegmentdError } from './errors.ts';
import { makeFolder } from './make-folder.ts';
import { memoryFolder } from './memory-folder.ts';
import { foreignProblem, refuseForeign } from './own-folder.ts';

/** A folder of another host cannot be asked whether its process lives; after this long its build has surely ended. */
const FOREIGN_LEFTOVER_MS = 24 * 3600 * 1000;

/** What lies in it is a copy of the tables. */
const OURS_ALONE = 0o700;

type Scratch = {
  /** On the disk that was named. */
  readonly dir: string;
  /** In memory; null where there is no place for it, and then `dir` has to do. */
  readonly memoryDir: string | null;
  /** What killed processes left on that disk and this one may not remove, such as what another user made: why, for each. */
  readonly stuck: readonly string[];
  remove(): Promise<void>;
};

/** Why no scratch folder can be made below `folder`, or undefined. Makes nothing. */
export async function scratchProblem(folder: string): Promise<string | undefined> {
  try {
    return (await foreignProblem(folder)) ?? (await unwritable(folder));
  } catch (error) {
    return messageOf(error);
  }
}

async function unwritable(folder: string): Promise<string | undefined> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    try {
      if (!(await stat(at)).isDirectory()) return `${at} is no folder`;
      await access(at, constants.R_OK | constants.W_OK | constants.X_OK);
      return undefined;
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || at === dirname(at)) throw error;
    }
  }
}

/** `inMemory`: a folder in memory, null for none. Errors: scratch_unusable. */
export async function openScratch(folder: string, inMemory: string | null = memoryFolder()): Promise<Scratch> {
  const name = `${hostname()}-${process.pid}-${randomUUID()}`;
  // LanceDB takes a relative path that begins with `db` for a name in its cloud.
  const { dir, stuck } = await openBelow(resolve(folder), name).catch((cause: unknown) => {
    throw new SegmentdError('scratch_unusable', `the scratch folder cannot be used: ${messageOf(cause)}`, { cause });
  });
  // It saves time and is needed for nothing, so that nothing is made of a failure.
  const memoryDir = inMemory === null ? null : await openBelow(inMemory, name).then(dirOf, () => null);
  const remove = async () => {
    if (memoryDir) await removeNowOrLater(memoryDir);
    await removeNowOrLater(dir);
  };
  return { dir, memoryDir, stuck, remove };
}

type Opened = Pick<Scratch, 'dir' | 'stuck'>;

const dirOf = ({ dir }: Opened) => dir;

async function openBelow(parent: string, name: string): Promise<Opened> {
  const dir = join(parent, name);
  await refuseForeign(parent);
  makeFolder(parent, OURS_ALONE);
  // Again, now that it is there: somebody may have been faster.
  await refuseForeign(parent);
  makeFolder(dir, OURS_ALONE);
  return { dir, stuck: await removeLeftovers(parent, dir) };
}

/**
 * A build of LanceDB cannot be cancelled, so the build of a merge may still write here when the process ends. What it adds is left to the
 * next process.
 */
async function removeNowOrLater(dir: string): Promise<void> {
  try {
    await rm(dir, { recursive: true, force: true, maxRetries: 3, retryDelay: 20 });
  } catch (error) {
    if (errnoOf(error) !== 'ENOTEMPTY') throw error;
  }
}

/** Returns why what stays could not be removed. It takes room and harms no build, so that it is no reason not to start. */
async function removeLeftovers(parent: string, own: string): Promise<string[]> {
  const stuck: string[] = [];
  for (const name of await readdir(parent)) {
    const folder = join(parent, name);
    if (folder === own) continue;
    const owner = /^(.+)-(\d+)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.exec(name);
    // Not named by segmentd, so not removed.
    if (!owner) continue;
    try {
      if (await isLeftover(owner[1] as string, Number(owner[2]), folder)) {
        await rm(folder, { recursive: true, force: true });
      }
    } catch (error) {
      // A process that starts at the same time removes the same.
      if (errnoOf(error) !== 'ENOENT') stuck.push(messageOf(error));
    }
  }
  return stuck;
}

async function isLeftover(host: string, pid: number, folder: string): Promise<boolean> {
  if (host !== hostname()) {
    const { mtimeMs } = await stat(folder);
    return Date.now() - mtimeMs > FOREIGN_LEFTOVER_MS;
  }
  // In a container every process is number 1: another folder of this number is of an earlier process.
  return pid === process.pid || !isAlive(pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}
