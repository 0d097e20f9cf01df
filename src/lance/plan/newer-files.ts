/**
 * Fragments whose data files are of a newer version than the engine reads: nothing can be built over them, while all others are served.
 * Such a table is declined only when nothing else is left to do. Pure.
 */
import type { DataFragment } from '../codec/data-fragment.ts';
import { decodeDataFragment } from '../codec/data-fragment.ts';
import type { Manifest } from '../codec/manifest.ts';
import type { Unsupported } from './supported.ts';
import { FLAG } from './supported.ts';

/** What lance 12 reads, measured: it opens a table with data files 2.3 and fails on the first page of one. */
export const NEWEST_DATA_FILE = { major: 2, minor: 2 } as const;

const isNewer = ({ major, minor }: { readonly major: number; readonly minor: number }) =>
  major > NEWEST_DATA_FILE.major || (major === NEWEST_DATA_FILE.major && minor > NEWEST_DATA_FILE.minor);

/**
 * Whether any fragment may have newer files, as the manifest alone says it. The files of one table have one version, unless the flag
 * for mixed versions is set; so nearly every table is told from these two fields.
 */
function mayHaveNewerFiles({ dataFormat, readerFlags, writerFlags }: Manifest): boolean {
  if (((readerFlags | writerFlags) & FLAG.mixedDataFileVersions) !== 0n) return true;
  const [major = 0, minor = 0] = (dataFormat ?? '').split('.').map(Number);
  return isNewer({ major, minor });
}

const newerFile = ({ files }: DataFragment) => files.find(isNewer);

/** Of these fragments the ones that the engine cannot read, each with the version of a file of it. */
export function unreadableFragments(manifest: Manifest, ids: Iterable<number>): ReadonlyMap<number, string> {
  const unreadable = new Map<number, string>();
  if (!mayHaveNewerFiles(manifest)) return unreadable;
  for (const id of ids) {
    const at = manifest.fragments.indexOf(id);
    const file = at < 0 ? undefined : newerFile(decodeDataFragment(manifest.fragments.bytesOf(at)));
    if (file) unreadable.set(id, `${file.major}.${file.minor}`);
  }
  return unreadable;
}

/** Fragment ids that a message names. */
const SHOWN = 5;

/** Why a table is declined in which nothing but these fragments is left to index. */
export function newerFilesReason(unreadable: ReadonlyMap<number, string>): Unsupported | null {
  if (unreadable.size === 0) return null;
  const versions = [...new Set(unreadable.values())].sort().join(', ');
  const ids = [...unreadable.keys()].slice(0, SHOWN).join(', ');
  const more = unreadable.size > SHOWN ? ` and ${unreadable.size - SHOWN} more` : '';
  const newest = `${NEWEST_DATA_FILE.major}.${NEWEST_DATA_FILE.minor}`;
  return {
    code: 'table_newer_data_files',
    message: `fragments ${ids}${more} have data files of version ${versions}; the engine reads up to ${newest}`,
  };
}
