/** Where the files lie that a manifest names: in the table itself, or in one of its bases, where segmentd only ever reads. */
import type { ObjectStore, ReadableStore } from '../../store/object-store.ts';
import type { BasePath } from '../codec/manifest.ts';

/** A folder of a store. */
type FilePlace = {
  readonly store: ReadableStore;
  keyOf(file: string): string;
  /** The file as a message names it: by its key, with the root in front when that is not the table's. */
  nameOf(file: string): string;
};

/** `no_base`: the manifest names no such base, and Lance fails. `out_of_reach`: it lies where the table's store cannot look. */
type NoPlace = 'no_base' | 'out_of_reach';

/** The place of `folder` (`data`, `_indices`, `_deletions`): a base that is no table's root is that folder already. */
export function filePlace(
  store: ReadableStore & Pick<ObjectStore, 'readableAt'>,
  basePaths: readonly BasePath[],
  folder: string,
  baseId: number | null | undefined,
): FilePlace | NoPlace {
  const inFolder = (file: string) => `${folder}/${file}`;
  if (baseId === null || baseId === undefined) return { store, keyOf: inFolder, nameOf: inFolder };
  const base = basePaths.find(({ id }) => id === baseId);
  if (!base) return 'no_base';
  const elsewhere = store.readableAt(base.path);
  if (!elsewhere) return 'out_of_reach';
  const keyOf = base.isTableRoot ? inFolder : (file: string) => file;
  return { store: elsewhere, keyOf, nameOf: (file) => `${elsewhere.root}/${keyOf(file)}` };
}
