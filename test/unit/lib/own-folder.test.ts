import { chmod, chown, mkdir, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { foreignProblem, ownTemporaryFolder, refuseForeign } from '../../../src/lib/own-folder.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

/** A folder as `/tmp` is: everyone makes something in it, and deletes only what is theirs. */
async function sharedFolder(): Promise<string> {
  const folder = join(await tempDir(), 'shared');
  await mkdir(folder);
  await chmod(folder, 0o1777);
  return folder;
}

async function made(folder: string, mode: number): Promise<string> {
  await mkdir(folder, { recursive: true });
  await chmod(folder, mode);
  return folder;
}

/** Makes this process one of another user, as far as it asks for its id. */
function asAnotherUser(): void {
  const spy = vi.spyOn(process, 'getuid').mockReturnValue((process.getuid?.() ?? 0) + 4_711);
  onTestFinished(() => spy.mockRestore());
}

test('each user has a temporary folder of their own', () => {
  const mine = ownTemporaryFolder('segmentd');
  expect(mine).toBe(join(tmpdir(), `segmentd-${process.getuid?.()}`));
  asAnotherUser();
  expect(ownTemporaryFolder('segmentd')).not.toBe(mine);
});

test('what is ours alone in a shared folder, and what is not there yet, is trusted', async () => {
  const shared = await sharedFolder();
  expect(await foreignProblem(join(shared, 'none', 'below'))).toBeUndefined();
  for (const mode of [0o700, 0o755])
    expect(await foreignProblem(await made(join(shared, 'ours'), mode))).toBeUndefined();
  // A folder as shared as the first one is no risk by itself: what lies in it is looked at.
  const inner = await made(join(shared, 'inner'), 0o1777);
  expect(await foreignProblem(await made(join(inner, 'ours'), 0o700))).toBeUndefined();
});

test('others that write to it, a link, and another owner are named, also above the folder', async () => {
  const shared = await sharedFolder();
  for (const mode of [0o775, 0o757, 0o777]) {
    const open = await made(join(shared, `open-${mode}`), mode);
    const problem = `${open} can be written to by other users: chmod go-w`;
    expect(await foreignProblem(open)).toBe(problem);
    expect(await foreignProblem(join(open, 'below'))).toBe(problem);
    await expect(refuseForeign(open)).rejects.toThrow(problem);
  }
  // Also one that leads nowhere yet.
  await symlink(join(shared, '..', 'elsewhere'), join(shared, 'link'));
  expect(await foreignProblem(join(shared, 'link'))).toBe(`${shared}/link is a link in a folder that all users share`);
});

test('a folder of another user is not ours', async () => {
  const theirs = await made(join(await sharedFolder(), 'theirs'), 0o755);
  const own = process.getuid?.() ?? 0;
  // Root gives it away; others take themselves for somebody else.
  if (own === 0) await chown(theirs, 4_711, 4_711);
  else asAnotherUser();
  expect(await foreignProblem(theirs)).toBe(`${theirs} belongs to another user, with the id ${own || 4_711}`);
});

test('in a folder that is not shared the rights are the choice of the operator', async () => {
  const home = await tempDir();
  await symlink('elsewhere', join(home, 'link'));
  for (const folder of [await made(join(home, 'open'), 0o777), join(home, 'link')]) {
    expect(await foreignProblem(folder)).toBeUndefined();
  }
});
