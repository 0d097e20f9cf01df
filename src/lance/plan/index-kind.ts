/** The table of kinds of index that segmentd maintains, and what is asked of it. */
import type { KindName } from '../../lib/index-kinds.ts';
import { BITMAP } from './kinds/bitmap.ts';
import { BTREE } from './kinds/btree.ts';
import { FM } from './kinds/fm.ts';
import { FULL_TEXT } from './kinds/full-text.ts';
import type { IndexKind, KindOfEntry } from './kinds/kind.ts';
import { LABEL_LIST } from './kinds/label-list.ts';
import { VECTOR_KINDS, vectorLabelOf } from './kinds/vector.ts';

const KINDS: readonly IndexKind[] = [BTREE, BITMAP, LABEL_LIST, FM, FULL_TEXT, ...VECTOR_KINDS];

const BY_NAME = new Map(KINDS.map((kind) => [kind.name, kind]));

/** The kind of that name. Throws on one that segmentd does not maintain, which is a bug: names are checked where they are read. */
export function kindNamed(name: KindName): IndexKind {
  const kind = BY_NAME.get(name);
  if (!kind) throw new RangeError(`no kind of index is called ${name}`);
  return kind;
}

/** The kind of an entry of the index section, or null for one that segmentd does not maintain. */
export function kindOf(entry: KindOfEntry): IndexKind | null {
  return KINDS.find((kind) => kind.matches(entry)) ?? null;
}

/** Lance's name of the kind, as far as known: of one that is not maintained, that of the message of its details, or of the vectors in it. */
export function labelOf(entry: KindOfEntry): string {
  const label = kindOf(entry)?.label ?? vectorLabelOf(entry);
  return label ?? (/(\w+?)(?:IndexDetails)?$/.exec(entry.typeUrl)?.[1] || 'unknown');
}

/** Whether segmentd maintains indexes of the entry's kind. */
export const isMaintained = (entry: KindOfEntry): boolean => kindOf(entry) !== null;

/** The kind of an entry without details, from the names of its files, or null. */
export function kindOfFiles(names: readonly string[]): IndexKind | null {
  return KINDS.find((kind) => kind.matchesFiles(names)) ?? null;
}

/** Whether both give each parameter the same value. */
export function sameParameters(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => JSON.stringify(a[name]) === JSON.stringify(b[name]) && Object.hasOwn(b, name))
  );
}
