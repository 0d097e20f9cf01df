/**
 * Distributed builds that were committed by hand, with pylance 0.37 to 7, left index entries without details. Lance then takes the
 * kind of such an index from the names of its files, and so does this: from the entry where it lists them, else from the folder.
 */
import type { ObjectStore } from '../../store/object-store.ts';
import type { IndexMetadata } from '../codec/index-metadata.ts';
import { hasDetails } from '../codec/index-metadata.ts';
import type { Manifest } from '../codec/manifest.ts';
import { kindOfFiles } from '../plan/index-kind.ts';
import { filePlace } from './file-place.ts';

/** Names of the files of an index by its uuid: the files of a uuid never change. */
export type KnownFolders = Map<string, readonly string[]>;

/** The manifest with a type url for each entry that lacks details and has the files of a kind. Errors: store_*. */
export async function withInferredKinds(
  store: ObjectStore,
  manifest: Manifest,
  known: KnownFolders,
): Promise<Manifest> {
  if (manifest.indexes.every(hasDetails)) return manifest;
  const kindOf = async (index: IndexMetadata): Promise<IndexMetadata> => {
    if (hasDetails(index)) return index;
    const names =
      index.files.length > 0 ? index.files.map(({ path }) => path) : await listed(store, manifest, index, known);
    const kind = kindOfFiles(names);
    return kind ? { ...index, typeUrl: kind.typeUrl } : index;
  };
  return { ...manifest, indexes: await Promise.all(manifest.indexes.map(kindOf)) };
}

async function listed(
  store: ObjectStore,
  { basePaths }: Manifest,
  { uuid, baseId }: IndexMetadata,
  known: KnownFolders,
): Promise<readonly string[]> {
  const seen = known.get(uuid);
  if (seen) return seen;
  const place = filePlace(store, basePaths, '_indices', baseId);
  const listed = typeof place === 'string' ? [] : await place.store.list(place.keyOf(uuid));
  const names = listed.map(({ name }) => name);
  // An empty folder may be filled yet, as while the table is copied.
  if (names.length > 0) known.set(uuid, names);
  return names;
}
