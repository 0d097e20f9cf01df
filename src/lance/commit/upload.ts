/** Brings built segments into the table's `_indices/`, where no manifest names them yet. */
import { SegmentdError } from '../../lib/errors.ts';
import { settleAll } from '../../lib/settle-all.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { BasePath } from '../codec/manifest.ts';
import type { BuiltSegment } from '../segment.ts';
import { filePlace } from '../table/file-place.ts';

const INDICES = '_indices';
const folderOf = (uuid: string) => `${INDICES}/${uuid}`;

type Uploaded = {
  /** Resolves once a power failure cannot take the files away any more: no manifest may name them before. */
  readonly durable: Promise<void>;
};

/**
 * Moves every file of the segments and checks what arrived. Into a store where each call is a request, little is still on its way when this
 * resolves, and is not looked at again: what its answer says has arrived is there. Errors: store_*.
 */
export async function uploadSegments(store: ObjectStore, segments: readonly BuiltSegment[]): Promise<Uploaded> {
  try {
    return await moveFiles(store, segments);
  } catch (error) {
    // No manifest names them, and without this a full disk would only get fuller with each retry.
    await Promise.allSettled([deleteUploaded(store, segments)]);
    throw error;
  }
}

/**
 * More than this takes longer to sync than a version stays the latest while others commit too, so it is waited for before the commit
 * reads which that is. Less is synced while the manifest is made.
 */
const MUCH_BYTES = 8 * 1024 * 1024;

async function moveFiles(store: ObjectStore, segments: readonly BuiltSegment[]): Promise<Uploaded> {
  const moves = segments.map(({ uuid, folder, files }) =>
    store.importFolder(
      folder,
      folderOf(uuid),
      files.map(({ path }) => path),
    ),
  );
  const keys = segments.flatMap(({ uuid, files }) => files.map(({ path }) => `${folderOf(uuid)}/${path}`));
  const moved = settleAll(moves);
  if (!store.remote) await moved;
  const durable = moved.then(() => store.sync(keys));
  // The committer awaits this promise; until then its rejection must not count as unhandled.
  durable.catch(() => undefined);
  if (!store.remote) await refuseMissing(store, segments);
  const bytes = segments.flatMap(({ files }) => files).reduce((sum, file) => sum + file.bytes, 0);
  if (bytes > MUCH_BYTES) await durable;
  return { durable };
}

async function refuseMissing(store: ObjectStore, segments: readonly BuiltSegment[]): Promise<void> {
  const missing = await findMissingFiles(store, segments);
  if (missing.length === 0) return;
  throw new SegmentdError('store_unavailable', `not uploaded as written: ${missing.join(', ')}`);
}

/**
 * Files that are not where the table has them with exactly the recorded size: a manifest that names one makes queries fail. Entries
 * of a manifest may have theirs in one of its bases; of files in a store that cannot be looked into, none counts as missing.
 */
export async function findMissingFiles(
  store: ObjectStore,
  segments: readonly (Pick<BuiltSegment, 'uuid' | 'files'> & { readonly baseId?: number | null })[],
  basePaths: readonly BasePath[] = [],
): Promise<string[]> {
  const checks = segments.flatMap(({ uuid, files, baseId }) => {
    const place = filePlace(store, basePaths, INDICES, baseId);
    if (place === 'out_of_reach') return [];
    return files.map(async ({ path, bytes }) => {
      const file = `${uuid}/${path}`;
      if (place === 'no_base') return [`${file} in base ${baseId}, which the manifest does not name`];
      return (await place.store.stat(place.keyOf(file)))?.bytes === bytes ? [] : [place.nameOf(file)];
    });
  });
  return (await Promise.all(checks)).flat();
}

/** Deletes uploaded files. Only ever call it with proof that no manifest names them. */
export async function deleteUploaded(store: ObjectStore, segments: readonly { uuid: string }[]): Promise<void> {
  await Promise.all(segments.map(({ uuid }) => store.removeFolder(folderOf(uuid))));
}
