/** Finds the newest version of a table, without reading it: by a listing, or by walking up from one that is known. */
import type { VersionScheme } from '../../lib/manifest-name.ts';
import { latestVersion, parseManifestName, versionFileName } from '../../lib/manifest-name.ts';
import type { ObjectStat, ObjectStore } from '../../store/object-store.ts';

export const VERSIONS = '_versions';

export type Newest = { readonly scheme: VersionScheme; readonly version: number; readonly stat: ObjectStat };

const LIST_TRIES = 3;

/**
 * The newest version that a listing shows, null when it shows none. In a store that lists in order the name of the newest comes first,
 * unless the table has the old names. Errors: table_mixed_version_names, store_*.
 */
export async function listedNewest(store: ObjectStore): Promise<Newest | null> {
  if (store.listsInOrder) {
    const [first] = await store.list(VERSIONS, 1);
    if (!first) return null;
    const found = parseManifestName(first.name);
    if (found?.scheme === 'V2' && first.stat) return { ...found, stat: first.stat };
  }
  // A cleanup may delete the version between the listing and the stat; by then there is a newer one.
  for (let tries = 1; tries <= LIST_TRIES; tries++) {
    const listed = await store.list(VERSIONS);
    const latest = latestVersion(listed.map(({ name }) => name));
    if (!latest) return null;
    const name = versionFileName(latest.scheme, latest.version);
    const stat = listed.find((it) => it.name === name)?.stat ?? (await store.stat(`${VERSIONS}/${name}`));
    if (stat) return { ...latest, stat };
  }
  return null;
}

/** Walks up from a version that is known to the first that is absent; null when the known one is gone. Errors: store_*. */
export async function probedNewest(store: ObjectStore, scheme: VersionScheme, known: number): Promise<Newest | null> {
  const statOf = (version: number) => store.stat(`${VERSIONS}/${versionFileName(scheme, version)}`);
  let version = known;
  // Nearly always there is nothing newer, so both are asked at once.
  let [found, next] = await Promise.all([statOf(version), statOf(version + 1)]);
  for (; found && next; version += 1) [found, next] = [next, await statOf(version + 2)];
  return found && { scheme, version, stat: found };
}
