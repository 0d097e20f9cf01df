/**
 * The local file system as an ObjectStore. Atomic creation is a hard link: link(2) fails when the name exists.
 *
 * Calls that touch only names (stat, link, rename, unlink) and reads of small files are synchronous: they take microseconds,
 * a tenth of the way through the thread pool and back, and a commit makes two dozen of them. What waits for the disk (fsync,
 * large reads and writes, listings) is asynchronous. Looks at very many tables would never wait for anything: they let the event loop turn.
 */
import { randomUUID } from 'node:crypto';
import type { BigIntStats, Stats } from 'node:fs';
import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  fsync,
  linkSync,
  mkdirSync,
  openSync,
  readFile,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  write,
  writeFileSync,
} from 'node:fs';
import { access, copyFile, readdir, realpath, rm, stat } from 'node:fs/promises';
import { dirname, extname, isAbsolute, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { asyncLimit } from '../lib/async-limit.ts';
import type { ErrorCode } from '../lib/errors.ts';
import { errnoOf, messageOf, SegmentdError } from '../lib/errors.ts';
import { loopTurn } from '../lib/loop-turn.ts';
import { makeFolder } from '../lib/make-folder.ts';
import { settleAll } from '../lib/settle-all.ts';
import type { ListedObject, ObjectStat, ObjectStore, PutResult, StoredObject, SurveyedObject } from './object-store.ts';

const CODE_OF_ERRNO: Record<string, ErrorCode> = {
  EACCES: 'store_denied',
  EPERM: 'store_denied',
  EROFS: 'store_denied',
  ENOSPC: 'store_full',
  EDQUOT: 'store_full',
};

/** What went wrong with a local file or folder, with the code that says whether it may pass. */
function storeError(error: unknown, action: string): SegmentdError {
  const code = CODE_OF_ERRNO[errnoOf(error) ?? ''] ?? 'store_unavailable';
  return new SegmentdError(code, `cannot ${action}: ${messageOf(error)}`, { cause: error });
}

/** Of names that lead nowhere: not there, below a file, or longer than any name can be. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG']);

/** Runs a file operation; `absent` is the answer when the file or its folder is not there. */
async function attempt<T>(action: string, operation: () => Promise<T>, absent?: { value: T }): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (absent && ABSENT.has(errnoOf(error) ?? '')) return absent.value;
    throw error instanceof SegmentdError ? error : storeError(error, action);
  }
}

const datasync = promisify(fdatasync);
const sync = promisify(fsync);
const writeAt = promisify(write);
const readAll = promisify(readFile);

/** Files up to this size are read and written without the thread pool. */
const SMALL_BYTES = 256 * 1024;

/** A file that is replaced is another file, and one that is written has another time. */
const tagOf = ({ ino, mtimeNs, size }: BigIntStats) => `${ino}-${mtimeNs}-${size}`;

const isSmall = (parts: readonly Uint8Array[]) => parts.reduce((sum, part) => sum + part.length, 0) <= SMALL_BYTES;

/** Writes and fsyncs a new file; resolves to its tag. When it returns, a small one is on its way to the disk. */
async function writeDurably(path: string, parts: readonly Uint8Array[]): Promise<string> {
  const file = openSync(path, 'wx');
  try {
    if (isSmall(parts)) writeFileSync(file, Buffer.concat(parts));
    else await writeInPieces(file, parts);
    await datasync(file);
    return tagOf(fstatSync(file, { bigint: true }));
  } finally {
    closeSync(file);
  }
}

/**
 * Bytes per write call. One call with all of a large manifest takes ten times as long as the same bytes in pieces (ext4,
 * measured: 24 ms against 2.4 ms for 8.7 MB into a new file).
 */
const WRITE_BYTES = 1 << 20;

async function writeInPieces(file: number, parts: readonly Uint8Array[]): Promise<void> {
  for (const part of parts) {
    // A short write is legal (a signal, a nearly full disk): the rest follows, or fails with its errno.
    for (let at = 0; at < part.length; ) {
      at += (await writeAt(file, part, at, Math.min(WRITE_BYTES, part.length - at))).bytesWritten;
    }
  }
}

/**
 * Runs `write`, making the folder of `path` when it turns out not to be there: it nearly always is. The root itself is never
 * made: another process has just deleted it, and must not find an empty folder there.
 */
async function inFolder<T>(root: string, path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    statSync(root);
    makeFolder(dirname(path));
    return await write();
  }
}

/**
 * Content and tag of one open file: another may take its name meanwhile. Null when it is not there, which a stat tells without an exception: that
 * takes ten times as long, and most looks are for what is not there yet.
 */
async function readWhole(path: string): Promise<StoredObject | null> {
  if (loopTurn.isLong()) await loopTurn.room();
  if (!statSync(path, { throwIfNoEntry: false })) return null;
  const file = openSync(path, 'r');
  try {
    const stat = fstatSync(file, { bigint: true });
    const content = stat.size <= SMALL_BYTES ? readFileSync(file) : await readAll(file);
    return { content, tag: tagOf(stat) };
  } finally {
    closeSync(file);
  }
}

/** Makes the content of a file durable, or the names in a folder. */
async function syncFile(path: string): Promise<void> {
  const file = openSync(path, 'r');
  try {
    await sync(file);
  } finally {
    closeSync(file);
  }
}

/** A hidden name beside the target: same file system, and collected by Lance's cleanup where it knows `.tmp`. */
const stagingOf = (path: string) => join(dirname(path), `.tmp_${randomUUID()}`);
const unstage = (path: string) => rmSync(path, { force: true });

async function create(
  root: string,
  path: string,
  parts: readonly Uint8Array[],
  after?: Promise<unknown>,
): Promise<PutResult> {
  const staged = stagingOf(path);
  // Rejections are seen below even when staging fails first.
  after?.catch(() => undefined);
  let tag: string;
  try {
    tag = await inFolder(root, staged, () => writeDurably(staged, parts));
    await after;
    linkSync(staged, path);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return { outcome: 'exists' };
    throw error;
  } finally {
    unstage(staged);
  }
  await syncFile(dirname(path)).catch((error: unknown) => {
    // The object is there by now: store_denied or store_full would promise that it is not.
    throw new SegmentdError('store_unavailable', `cannot make ${path} durable: ${messageOf(error)}`, { cause: error });
  });
  return { outcome: 'created', tag };
}

async function replace(root: string, path: string, bytes: Uint8Array): Promise<void> {
  // With the target's extension: among transaction files, Lance's cleanup collects nothing that does not end like one.
  const staged = `${stagingOf(path)}${extname(path)}`;
  try {
    await inFolder(root, staged, async () => writeFileSync(staged, bytes, { flag: 'wx' }));
    renameSync(staged, path);
  } catch (error) {
    unstage(staged);
    throw error;
  }
}

/** One rename, whatever is in the folder: a file that is made or removed costs a busy disk more than its few bytes. */
async function moveIn(root: string, localFolder: string, path: string, names: readonly string[]): Promise<void> {
  await inFolder(root, path, async () => {
    try {
      renameSync(localFolder, path);
    } catch (error) {
      if (errnoOf(error) !== 'EXDEV') throw error;
      mkdirSync(path);
      await settleAll(
        names.map((name) => copyFile(join(localFolder, name), join(path, name), constants.COPYFILE_EXCL)),
      );
    }
  });
}

/** Files that are open at once to be synced: more than the disk has at a time, and far fewer than a process may open. */
const SYNCED_AT_ONCE = 64;

async function syncAll(paths: readonly string[]): Promise<void> {
  const folders = new Set(paths.map((path) => dirname(path)));
  // A new folder is itself a name in the one above it.
  for (const folder of [...folders]) folders.add(dirname(folder));
  const limit = asyncLimit(SYNCED_AT_ONCE);
  await Promise.all([...paths, ...folders].map((path) => limit.run(() => syncFile(path))));
}

/** Files that a survey looks at together: the thread pool has other work too. */
const SURVEYED_AT_ONCE = 16;

/** Paths of the files below a folder. A folder below it that is deleted meanwhile has none; `folder` itself has to be there. */
async function filesBelow(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isFile()) paths.push(path);
    if (entry.isDirectory()) paths.push(...(await attempt(`list ${path}`, () => filesBelow(path), { value: [] })));
  }
  return paths;
}

async function surveyFiles(folder: string): Promise<SurveyedObject[]> {
  const paths = await filesBelow(folder);
  const found: SurveyedObject[] = [];
  for (let from = 0; from < paths.length; from += SURVEYED_AT_ONCE) {
    const looks = paths.slice(from, from + SURVEYED_AT_ONCE).map(async (path) => {
      // One that was deleted meanwhile is left out.
      const seen = await attempt<Stats | null>(`stat ${path}`, () => stat(path), { value: null });
      return seen ? [{ name: relative(folder, path), bytes: seen.size, modifiedMs: seen.mtimeMs }] : [];
    });
    found.push(...(await Promise.all(looks)).flat());
  }
  return found;
}

/** A root may not be there yet. Without its parent folder that is unknown: an unmounted disk looks the same. */
async function mustBeMounted(root: string): Promise<void> {
  await access(dirname(root)).catch((error: unknown) => {
    throw storeError(error, `reach ${dirname(root)}`);
  });
}

/** The path that an absolute path or a `file:` URI names, without slashes at its end; null of anything else. */
function localPathOf(location: string): string | null {
  const path = isAbsolute(location) ? location : URL.parse(location)?.protocol === 'file:' && fileURLToPath(location);
  return path ? path.replace(/(?<=.)\/+$/, '') : null;
}

/**
 * Says whether this process may read and write a folder and those of `below`, as far as they are there, without touching them.
 * Errors: store_denied, also for a read-only mount; store_unavailable.
 */
export async function checkLocalAccess(folder: string, below: readonly string[]): Promise<void> {
  for (const path of [folder, ...below.map((name) => join(folder, name))]) {
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return;
      throw storeError(error, `read and write ${path}`);
    });
  }
}

/** The folder without links on the way to it; itself when it is not there. */
export async function realFolder(folder: string): Promise<string> {
  return realpath(folder).catch(() => folder);
}

/** The store whose keys are paths below `root`, an absolute folder. */
export function localStore(root: string): ObjectStore {
  const at = (key: string) => join(root, key);
  return {
    kind: 'local',
    root,
    remote: false,
    listsInOrder: false,
    engineOptions: () => ({}),
    readableAt: (location) => {
      const path = localPathOf(location);
      return path === null ? null : localStore(path);
    },
    list: (folder, limit) =>
      attempt<ListedObject[]>(
        `list ${at(folder)}`,
        async () => {
          const entries = await readdir(at(folder), { withFileTypes: true }).catch(async (error: unknown) => {
            await mustBeMounted(root);
            throw error;
          });
          const files = entries.filter((entry) => entry.isFile());
          return files.slice(0, limit).map(({ name }) => ({ name }));
        },
        { value: [] },
      ),
    folders: (folder) =>
      attempt<string[] | null>(`list ${at(folder)}`, async () => {
        try {
          const entries = await readdir(at(folder), { withFileTypes: true });
          return entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).map((entry) => entry.name);
        } catch (error) {
          // A file in its place is not an absent folder.
          if (errnoOf(error) === 'ENOENT') return null;
          throw error;
        }
      }),
    survey: (folder) => attempt(`list ${at(folder)}`, () => surveyFiles(at(folder)), { value: [] }),
    stat: (key) =>
      attempt<ObjectStat | null>(
        `stat ${at(key)}`,
        async () => {
          if (loopTurn.isLong()) await loopTurn.room();
          const stat = statSync(at(key), { bigint: true, throwIfNoEntry: false });
          return stat ? { bytes: Number(stat.size), tag: tagOf(stat) } : null;
        },
        { value: null },
      ),
    read: (key) => attempt<StoredObject | null>(`read ${at(key)}`, () => readWhole(at(key)), { value: null }),
    putIfAbsent: (key, parts, after) => attempt(`create ${at(key)}`, () => create(root, at(key), parts, after)),
    put: (key, bytes) => attempt(`write ${at(key)}`, () => replace(root, at(key), bytes)),
    importFolder: (localFolder, folder, names) =>
      attempt(`move ${localFolder} to ${at(folder)}`, () => moveIn(root, localFolder, at(folder), names)),
    sync: (keys) => attempt(`sync ${root}`, () => syncAll(keys.map(at))),
    remove: (key) => attempt(`remove ${at(key)}`, () => rm(at(key), { force: true })),
    removeFolder: (folder) => attempt(`remove ${at(folder)}`, () => rm(at(folder), { recursive: true, force: true })),
  };
}
