/** What a cleanup of old versions would free, found without changing anything. */
import { parseManifestName } from '../../lib/manifest-name.ts';
import type { SurveyedObject } from '../../store/object-store.ts';
import { decodeDataFragment, decodeDeletionFile } from '../codec/data-fragment.ts';
import type { Manifest } from '../codec/manifest.ts';
import { parseManifest } from '../codec/manifest.ts';
import { VERSIONS } from '../table/newest-version.ts';
import type { LanceTable } from '../table/table.ts';

export type Freeable = {
  /** Versions that would go, and the bytes of their manifests. */
  readonly versions: number;
  readonly manifestBytes: number;
  /** Bytes of files that no version would name any more; null where the versions that stay are too large to read them all. */
  readonly indexBytes: number | null;
  readonly dataBytes: number | null;
};

/** Most bytes of manifests that are read. */
const MOST_BYTES = 256 * 1024 * 1024;

/**
 * Of a cleanup of versions written before `cutoffMs`; the latest stays. Tagged versions count as if they went, and files that Lance keeps for a
 * week because they may belong to a commit under way as if they were gone. Lists every file of the table. Errors: those of `latest`.
 */
export async function findFreeable(table: LanceTable, cutoffMs: number): Promise<Freeable> {
  const latest = await table.latest({ listed: true });
  const surveyed = await table.store.survey(VERSIONS);
  const manifests = surveyed.filter(({ name }) => parseManifestName(name) !== null);
  const isLatest = ({ name }: SurveyedObject) => parseManifestName(name)?.version === latest.version;
  const [gone, stay] = partition(manifests, (it) => it.modifiedMs < cutoffMs && !isLatest(it));
  const known = { versions: gone.length, manifestBytes: bytesOf(gone) };
  if (gone.length === 0) return { ...known, indexBytes: 0, dataBytes: 0 };
  if (bytesOf(stay) > MOST_BYTES) return { ...known, indexBytes: null, dataBytes: null };
  const named = await namedIn(table, stay);
  // What a version that goes names was written before it; what is younger may be on its way into a version.
  const lastMs = Math.max(...gone.map(({ modifiedMs }) => modifiedMs));
  const freed = async (folder: string, keyOf = (name: string) => name) => {
    const files = await table.store.survey(folder);
    return bytesOf(files.filter(({ name, modifiedMs }) => modifiedMs <= lastMs && !named.has(keyOf(name))));
  };
  const indexBytes = await freed('_indices', (name) => name.split('/', 1)[0] as string);
  return { ...known, indexBytes, dataBytes: (await freed('data')) + (await freed('_deletions')) };
}

/** Uuids of indexes, and names of data and deletion files, that any of these versions names. */
async function namedIn({ store }: LanceTable, manifests: readonly SurveyedObject[]): Promise<Set<string>> {
  const named = new Set<string>();
  const decoded = new Set<string>();
  let previous: Manifest | undefined;
  for (const { name } of manifests) {
    const read = await store.read(`${VERSIONS}/${name}`);
    if (!read) continue;
    previous = parseManifest(read.content, previous);
    for (const { uuid } of previous.indexes) named.add(uuid);
    for (let at = 0; at < previous.fragments.length; at++) {
      const message = previous.fragments.bytesOf(at);
      const key = Buffer.from(message).toString('latin1');
      // Most fragments are the same in all of them.
      if (decoded.has(key)) continue;
      decoded.add(key);
      for (const file of filesOf(message)) named.add(file);
    }
  }
  return named;
}

function filesOf(message: Uint8Array): string[] {
  const { id, files, deletions } = decodeDataFragment(message);
  return [...files.map(({ path }) => path), ...(deletions ? [decodeDeletionFile(deletions, id).file] : [])];
}

const bytesOf = (files: readonly SurveyedObject[]) => files.reduce((sum, { bytes }) => sum + bytes, 0);

function partition<T>(all: readonly T[], belongs: (it: T) => boolean): [T[], T[]] {
  return [all.filter(belongs), all.filter((it) => !belongs(it))];
}
