/** Files of fragments that the table still names although they are gone: then the table has not moved, it is damaged. */
import { SegmentdError } from '../../lib/errors.ts';
import type { DataFragment } from '../codec/data-fragment.ts';
import { decodeDataFragment, decodeDeletionFile } from '../codec/data-fragment.ts';
import type { Manifest } from '../codec/manifest.ts';
import { filePlace } from './file-place.ts';
import type { LanceTable } from './table.ts';

/**
 * Throws table_data_file_missing when the latest version names a file of one of these fragments that is not there as it was written.
 * A fragment that has changed or gone by the time that the version is read again says nothing: another writer was faster. Errors: those of
 * `latest`, too.
 */
export async function refuseLostFiles(table: LanceTable, fragments: Iterable<number>): Promise<void> {
  const manifest = await table.latest();
  for (const id of fragments) {
    const message = fragmentOf(manifest, id);
    const fault = message && (await faultIn(table, manifest, decodeDataFragment(message)));
    if (!fault) continue;
    const again = await table.latest();
    const now = fragmentOf(again, id);
    if (!now || Buffer.compare(message, now) !== 0) continue;
    throw new SegmentdError(
      'table_data_file_missing',
      `${table.uri} is damaged: fragment ${id} of version ${again.version} names ${fault}`,
    );
  }
}

function fragmentOf({ fragments }: Manifest, id: number): Uint8Array | null {
  const at = fragments.indexOf(id);
  return at < 0 ? null : fragments.bytesOf(at);
}

/** The first file that is not there as the fragment names it, and what is wrong; or null. */
async function faultIn(
  { store }: LanceTable,
  { basePaths }: Manifest,
  { id, files, deletions }: DataFragment,
): Promise<string | null> {
  const named = files.map(({ path, bytes, baseId }) => ({ folder: 'data', file: path, bytes, baseId }));
  if (deletions) named.push({ folder: '_deletions', bytes: 0, ...decodeDeletionFile(deletions, id) });
  for (const { folder, file, bytes, baseId } of named) {
    const place = filePlace(store, basePaths, folder, baseId);
    if (place === 'out_of_reach') continue;
    if (place === 'no_base') return `${file} in base ${baseId}, which the version does not have`;
    const found = await place.store.stat(place.keyOf(file));
    if (!found) return `${place.nameOf(file)}, which is not there`;
    if (bytes > 0 && found.bytes !== bytes) {
      return `${place.nameOf(file)}, which has ${found.bytes} bytes instead of ${bytes}`;
    }
  }
  return null;
}
