/** Each kind of index as a test meets it: how engines make one, and how their plans name it. One entry per kind. */
import { Index } from '@lancedb/lancedb';
import type { KindName } from '../src/lib/index-kinds.ts';

export type KindUnderTest = {
  readonly kind: KindName;
  /** For LanceDB: an object of `Index` works once. */
  make(): Index;
  /** For pylance: the name of an index type, or of one that only its `IndexConfig` takes. */
  readonly pylance: string;
  /** Oldest major of pylance that makes and reads it; others scan. */
  readonly since: number;
  /** What the plan of a query says that is answered by the index of that name. */
  planOf(index: string): string;
};

const scalar = (label: string) => (index: string) => `@${index}(${label})`;

export const KINDS_UNDER_TEST: readonly KindUnderTest[] = [
  { kind: 'btree', make: () => Index.btree(), pylance: 'BTREE', since: 7, planOf: scalar('BTree') },
  { kind: 'bitmap', make: () => Index.bitmap(), pylance: 'BITMAP', since: 7, planOf: scalar('Bitmap') },
  { kind: 'label_list', make: () => Index.labelList(), pylance: 'LABEL_LIST', since: 7, planOf: scalar('LabelList') },
  { kind: 'fm', make: () => Index.fm(), pylance: 'fm', since: 8, planOf: scalar('Fm') },
  { kind: 'fts', make: () => Index.fts(), pylance: 'INVERTED', since: 7, planOf: () => ' MatchQuery' },
  {
    kind: 'ivf_flat',
    make: () => Index.ivfFlat({ numPartitions: 1 }),
    pylance: 'IVF_FLAT',
    since: 7,
    planOf: (index) => `ANNSubIndex: name=${index}`,
  },
];

/** Throws on a kind that no entry tells of. */
export function kindUnderTest(name: KindName): KindUnderTest {
  const kind = KINDS_UNDER_TEST.find((it) => it.kind === name);
  if (!kind) throw new RangeError(`testing/kinds.ts has no ${name}`);
  return kind;
}
