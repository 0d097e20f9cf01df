/** Folders of segmentd in places that several users share, such as `/tmp`. */
import type { Stats } from 'node:fs';
import { lstat, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { errnoOf } from './errors.ts';

const userId = () => process.getuid?.();

/** A name of this user alone in a place that several share: what they shared would belong to the first of them. */
export const ownName = (name: string): string => `${name}-${userId() ?? 'user'}`;

/** A folder of that name below the temporary one. */
export const ownTemporaryFolder = (name: string): string => join(tmpdir(), ownName(name));

/** How documentation writes `ownTemporaryFolder(name)`. */
export const ownTemporaryText = (name: string): string => `<temporary folder>/${name}-<user id>`;

/** The scratch folder and that of the evidence, unless others are given. */
export const SCRATCH_NAME = 'segmentd';
export const EVIDENCE_NAME = 'segmentd-evidence';

const STICKY = 0o1000;
const OTHERS_WRITE = 0o002;
const GROUP_OR_OTHERS_WRITE = 0o022;

/** Whether everyone may make something in it, and delete only what is theirs. */
const isShared = ({ mode }: Stats) => (mode & STICKY) !== 0 && (mode & OTHERS_WRITE) !== 0;

/**
 * Why `folder` is not to be trusted, or undefined. Whoever comes first can make a name in a shared folder, or a link of that name which
 * leads elsewhere: what stands there has to be a folder of this user, or of root, that nobody else writes to. What is not there yet is
 * fine. Elsewhere the rights are the operator's choice. Errors: those of the file system.
 */
export async function foreignProblem(folder: string): Promise<string | undefined> {
  for (let at = resolve(folder); at !== dirname(at); at = dirname(at)) {
    const above = await present(stat(dirname(at)));
    const entry = above && isShared(above) ? await present(lstat(at)) : undefined;
    const problem = entry && problemOf(entry);
    if (problem !== undefined) return `${at} ${problem}`;
  }
  return undefined;
}

/** Errors: an Error that says why `folder` is not to be trusted, and those of the file system. */
export async function refuseForeign(folder: string): Promise<void> {
  const problem = await foreignProblem(folder);
  if (problem !== undefined) throw new Error(problem);
}

function problemOf(entry: Stats): string | undefined {
  if (entry.isSymbolicLink()) return 'is a link in a folder that all users share';
  if (entry.uid !== userId() && entry.uid !== 0) return `belongs to another user, with the id ${entry.uid}`;
  // A shared folder within another one: what lies in it is looked at by itself.
  const isOpen = (entry.mode & GROUP_OR_OTHERS_WRITE) !== 0 && !isShared(entry);
  return isOpen ? 'can be written to by other users: chmod go-w' : undefined;
}

async function present(look: Promise<Stats>): Promise<Stats | undefined> {
  try {
    return await look;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
