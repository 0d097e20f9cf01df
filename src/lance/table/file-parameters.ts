/**
 * Parameters of an index that no entry has: the stop words of a full-text index stand in a file of each segment alone, and segments that
 * differ in them answer wrongly without an error. So the file is read, once per segment, where the kind asks for it.
 */
import { asyncLimit } from '../../lib/async-limit.ts';
import { SegmentdError } from '../../lib/errors.ts';
import type { RecentMap } from '../../lib/recent-map.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { FileParameters, IndexMetadata } from '../codec/index-metadata.ts';
import type { Manifest } from '../codec/manifest.ts';
import { isOwnUuid } from '../codec/own-uuid.ts';
import { kindOf } from '../plan/index-kind.ts';
import { filePlace } from './file-place.ts';

/** What the files say, by the uuid of the segment: the files of a uuid never change. */
export type KnownParameters = RecentMap<string, FileParameters>;

/** Segments of other writers than segmentd, on a table that is looked after: a few. */
export const KNOWN_PARAMETERS = 1_000;

/** Each may be a request. */
const READS_AT_ONCE = 16;

/** The manifest with what the files of its segments say, where its kinds ask for it. Errors: store_unavailable. */
export async function withFileParameters(
  store: ObjectStore,
  manifest: Manifest,
  known: KnownParameters,
): Promise<Manifest> {
  if (!manifest.indexes.some(parametersFile)) return manifest;
  const first = new Map<string, IndexMetadata>();
  for (const index of manifest.indexes) {
    if (parametersFile(index) && !first.has(index.name)) first.set(index.name, index);
  }
  // segmentd commits none beside others than those it was built like.
  const sourceOf = (index: IndexMetadata) => (isOwnUuid(index.uuid) ? first.get(index.name) : index) ?? index;
  const limit = asyncLimit(READS_AT_ONCE);
  const found = new Map<string, FileParameters>();
  const sources = new Set(manifest.indexes.filter(parametersFile).map(sourceOf));
  const read = async (index: IndexMetadata) => {
    found.set(index.uuid, await limit.run(() => parametersIn(store, manifest, index, known)));
  };
  await Promise.all(Array.from(sources, read));
  const withParameters = (index: IndexMetadata) => {
    const fileParameters = parametersFile(index) && found.get(sourceOf(index).uuid);
    return fileParameters ? { ...index, fileParameters } : index;
  };
  return { ...manifest, indexes: manifest.indexes.map(withParameters) };
}

const parametersFile = (index: IndexMetadata) => kindOf(index)?.parametersFile;

async function parametersIn(
  store: ObjectStore,
  { basePaths }: Manifest,
  index: IndexMetadata,
  known: KnownParameters,
): Promise<FileParameters> {
  const seen = known.get(index.uuid);
  const file = parametersFile(index);
  if (seen || !file) return seen ?? { unknown: 'its kind has no file of parameters' };
  const place = filePlace(store, basePaths, '_indices', index.baseId);
  if (typeof place === 'string') return { unknown: `${file.name} lies where segmentd does not read` };
  const path = `${index.uuid}/${file.name}`;
  const content = await place.store.read(place.keyOf(path)).catch(unlessDenied);
  // It may come yet, as while the table is copied.
  if (!content) return { unknown: `${place.nameOf(path)} cannot be read` };
  const read = file.read(content.content);
  known.set(index.uuid, read);
  return read;
}

/** Where reading is not allowed the index is left alone; a store that does not answer is asked again, with the whole table. */
function unlessDenied(error: unknown): null {
  if (error instanceof SegmentdError && error.code === 'store_denied') return null;
  throw error;
}
