import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { memoryFolder } from '../../../src/lib/memory-folder.ts';
import { openScratch } from '../../../src/lib/scratch.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  return { ...real, rm: vi.fn(real.rm) };
});

/** A scratch folder as the process `pid` on `host` would have made it, with something in it. */
async function leftover(parent: string, pid: number, host = hostname()): Promise<string> {
  const dir = join(parent, `${host}-${pid}-${randomUUID()}`);
  await mkdir(join(dir, 'view.lance'), { recursive: true });
  await writeFile(join(dir, 'view.lance', 'page_data.lance'), 'x');
  return dir;
}

/** The number of a process that lives until the test ends, and one whose process has ended. */
async function processes(): Promise<{ living: number; dead: number }> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  onTestFinished(() => void child.kill('SIGKILL'));
  const gone = spawn(process.execPath, ['-e', '']);
  await once(gone, 'exit');
  return { living: child.pid ?? 0, dead: gone.pid ?? 0 };
}

test('the scratch folder lies below the given one, is there, and goes when asked', async () => {
  const parent = join(await tempDir(), 'not', 'there', 'yet');
  const scratch = await openScratch(parent);
  expect(dirname(scratch.dir)).toBe(parent);
  await writeFile(join(scratch.dir, 'file'), 'x');
  await scratch.remove();
  expect(existsSync(scratch.dir)).toBe(false);
  expect(existsSync(parent)).toBe(true);
  await scratch.remove();
});

test('a part of it lies in memory, where there is a place, and what a dead process left there goes too', async () => {
  const parent = memoryFolder();
  if (parent === null) throw new Error('this machine has no /dev/shm');
  const { dead } = await processes();
  const removed = await leftover(parent, dead);
  const { dir, memoryDir, remove } = await openScratch(await tempDir());
  expect(existsSync(removed)).toBe(false);
  expect(memoryDir).toBe(join(parent, basename(dir)));
  await writeFile(join(memoryDir ?? '', 'file'), 'x');
  await remove();
  expect(existsSync(memoryDir ?? '')).toBe(false);
});

test('what somebody else may have made in memory is done without', async () => {
  const link = join('/dev/shm', `segmentd-test-${randomUUID()}`);
  await symlink(await tempDir(), link);
  onTestFinished(() => rm(link));
  expect((await openScratch(await tempDir(), link)).memoryDir).toBeNull();
});

test('remove() tolerates files added concurrently, as by a build that cannot be stopped', async () => {
  const scratch = await openScratch(await tempDir());
  // What rmdir(2) says of a folder that got a file after the last one was removed.
  const added = Object.assign(new Error('ENOTEMPTY: directory not empty'), { code: 'ENOTEMPTY' });
  vi.mocked(rm).mockRejectedValueOnce(added);
  await scratch.remove();
  expect(vi.mocked(rm)).toHaveBeenLastCalledWith(scratch.dir, expect.objectContaining({ recursive: true }));
});

test('a folder that may not be removed is an error', async () => {
  const scratch = await openScratch(await tempDir());
  vi.mocked(rm).mockRejectedValueOnce(Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' }));
  await expect(scratch.remove()).rejects.toThrow('EACCES');
});

test('removes what a dead process left, and keeps what a living one uses', async () => {
  const parent = await tempDir();
  const { living, dead } = await processes();
  const kept = await leftover(parent, living);
  const removed = await leftover(parent, dead);
  const { dir } = await openScratch(parent);
  expect(existsSync(removed)).toBe(false);
  expect((await readdir(parent)).map((name) => join(parent, name)).sort()).toEqual([kept, dir].sort());
  expect(existsSync(join(kept, 'view.lance', 'page_data.lance'))).toBe(true);
});

test('a folder with our own number is a predecessor of ours in a container of the same name', async () => {
  const parent = await tempDir();
  const predecessor = await leftover(parent, process.pid);
  await openScratch(parent);
  expect(existsSync(predecessor)).toBe(false);
});

test('a folder of another host is removed after a day, not before', async () => {
  const parent = await tempDir();
  const [young, old] = [await leftover(parent, 1, 'elsewhere-1'), await leftover(parent, 1, 'elsewhere-2')];
  const yesterday = new Date(Date.now() - 25 * 3600 * 1000);
  await utimes(old, yesterday, yesterday);
  await openScratch(parent);
  expect([existsSync(young), existsSync(old)]).toEqual([true, false]);
});

test('what a dead process left and may not be removed is told, and keeps nobody from starting', async () => {
  const parent = await tempDir();
  const { dead } = await processes();
  const [theirs, ours] = [await leftover(parent, dead), await leftover(parent, dead)];
  const denied = Object.assign(new Error(`EACCES: permission denied, rmdir '${theirs}'`), { code: 'EACCES' });
  const real = vi.mocked(rm).getMockImplementation() as typeof rm;
  onTestFinished(() => void vi.mocked(rm).mockImplementation(real));
  vi.mocked(rm).mockImplementation((path, options) => (path === theirs ? Promise.reject(denied) : real(path, options)));
  const { dir, stuck } = await openScratch(parent);
  expect(existsSync(dir)).toBe(true);
  expect([existsSync(theirs), existsSync(ours)]).toEqual([true, false]);
  expect(stuck).toEqual([denied.message]);
});

test('what another process removes at the same time is no problem', async () => {
  const parent = await tempDir();
  const { dead } = await processes();
  const gone = await leftover(parent, dead);
  vi.mocked(rm).mockRejectedValueOnce(Object.assign(new Error(`ENOENT: '${gone}'`), { code: 'ENOENT' }));
  expect((await openScratch(parent)).stuck).toEqual([]);
});

test('whatever else lies in the folder is left alone', async () => {
  const parent = await tempDir();
  const { dead } = await processes();
  const names = ['data', `${hostname()}-${dead}`, `${hostname()}-${dead}-not-a-uuid`, `x${randomUUID()}`];
  for (const name of names) await mkdir(join(parent, name));
  await writeFile(join(parent, 'notes.txt'), 'mine');
  await openScratch(parent);
  expect(await readdir(parent)).toEqual(expect.arrayContaining([...names, 'notes.txt']));
});

test('a folder that cannot be used is a mistake in the configuration', async () => {
  const file = join(await tempDir(), 'file');
  await writeFile(file, '');
  await expect(openScratch(join(file, 'scratch'))).rejects.toMatchObject({
    code: 'scratch_unusable',
    hint: expect.stringMatching(/--scratch-dir.*state\.scratch_dir/),
  });
});

test('a folder that others write to, where all users meet, is refused by name and left as it is', async () => {
  const shared = join(await tempDir(), 'tmp');
  await mkdir(shared);
  await chmod(shared, 0o1777);
  const [theirs, ours] = [join(shared, 'theirs'), join(shared, 'ours')];
  await mkdir(theirs);
  await chmod(theirs, 0o777);
  const refused = { code: 'scratch_unusable', message: expect.stringContaining(`${theirs} can be written to`) };
  await expect(openScratch(theirs)).rejects.toMatchObject(refused);
  await symlink(theirs, join(shared, 'link'));
  await expect(openScratch(join(shared, 'link', 'below'))).rejects.toThrow('is a link');
  expect(await readdir(theirs)).toEqual([]);
  const { dir } = await openScratch(ours);
  expect([(await stat(ours)).mode & 0o777, (await stat(dir)).mode & 0o777]).toEqual([0o700, 0o700]);
});

test('a relative folder is taken from where the process runs, whatever it begins with', async () => {
  const parent = await tempDir();
  const { dir, remove } = await openScratch(relative(process.cwd(), join(parent, 'db-scratch')));
  expect(dirname(dir)).toBe(join(parent, 'db-scratch'));
  await remove();
});
