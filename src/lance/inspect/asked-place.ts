/**
 * Where the engine is asked about an index. The table itself, as long as the engine understands all of it and no other index is on the
 * column; else a view in which the same segments stand over the same fragments, since the engine leaves segments of row addresses (version 1) alone on the real table, panics
 * on a type that it cannot parse in any column, and fails on data files that are newer than itself.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { IndexMetadata } from '../codec/index-metadata.ts';
import type { Manifest } from '../codec/manifest.ts';
import { openFragmentView } from '../engine/fragment-view.ts';
import { BTREE } from '../plan/kinds/btree.ts';
import { isParsed } from '../plan/kinds/kind.ts';
import { unreadableFragments } from '../plan/newer-files.ts';
import type { TablePlace } from '../segment.ts';

type Asking = {
  /** Where a view lies. */
  readonly scratchDir: string;
  /** The only fragments that there are, in a view then. */
  readonly among?: readonly number[] | undefined;
};

/** Runs `ask` with the place to ask about the index that these segments are. */
export async function askedPlace<T>(
  manifest: Manifest,
  place: TablePlace,
  segments: readonly IndexMetadata[],
  ask: (place: TablePlace) => Promise<T>,
  { scratchDir, among }: Asking,
): Promise<T> {
  const unreadable = unreadableFragments(manifest, manifest.fragments.ids);
  if (!among && unreadable.size === 0 && isUnderstood(manifest, segments) && isAlone(manifest, segments))
    return ask(place);
  const scratch = await mkdtemp(join(scratchDir, 'segmentd-verify-'));
  try {
    const view = openFragmentView(
      {
        manifest,
        tableUri: place.uri,
        fragments: (among ?? Array.from(manifest.fragments.ids)).filter((id) => !unreadable.has(id)),
        fieldIds: segments.flatMap(({ fields }) => fields),
        keepsRowIds: !segments.some(recordsAddresses),
        segments,
      },
      scratch,
    );
    return await ask({ ...place, uri: view.folder });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Whether a query on the column can use no other index: the engine takes whichever it finds. */
function isAlone({ indexes }: Manifest, [first]: readonly IndexMetadata[]): boolean {
  return indexes.every(({ name, fields }) => name === first?.name || !first?.fields.some((id) => fields.includes(id)));
}

function isUnderstood({ schema }: Manifest, segments: readonly IndexMetadata[]): boolean {
  return schema.every(({ logicalType }) => isParsed(logicalType)) && !segments.some(recordsAddresses);
}

const recordsAddresses = (segment: IndexMetadata) => BTREE.matches(segment) && segment.indexVersion === 1;
