import { expect, test } from 'vitest';
import { parseManifest } from '../../../../src/lance/codec/manifest.ts';
import { planTable } from '../../../../src/lance/plan/table-plan.ts';
import { LanceTable } from '../../../../src/lance/table/table.ts';
import { localStore } from '../../../../src/store/local-store.ts';
import type { FragmentSpec, IndexSpec } from '../manifest-fixture.ts';
import { manifestFile, message, uuidText } from '../manifest-fixture.ts';
import { tableFolder } from '../table-fixture.ts';

const LIMITS = { maxRows: 1_000_000, maxFragments: 1 };
const EXISTING = { wanted: 'existing', stableRowIds: 'decline' } as const;

function plan(fragments: readonly FragmentSpec[], indexes: readonly IndexSpec[]) {
  const { requests, remove, complete } = planTable(
    parseManifest(manifestFile({ fragments, indexes })),
    EXISTING,
    LIMITS,
  );
  return { requests: requests.map(({ fragments: ids }) => Array.from(ids)), remove, complete };
}

const REWRITTEN: FragmentSpec = {
  id: 1,
  files: [
    { path: 'f1.lance', fields: [-2, 1] },
    { path: 'new.lance', fields: [0] },
  ],
};

test('an index that misses a fragment whose column was rewritten in place is replaced complete', () => {
  const indexes = [
    { uuid: 1, fragments: [0] },
    { uuid: 2, fragments: [2] },
  ];
  const planned = plan([{ id: 0 }, REWRITTEN, { id: 2 }], indexes);
  expect(planned).toEqual({ requests: [[0, 1, 2]], remove: [uuidText(1), uuidText(2)], complete: true });
});

test('a fragment that was appended is added, and one that is covered is left alone however often it was rewritten', () => {
  const planned = plan([{ id: 0 }, REWRITTEN, { id: 2 }], [{ uuid: 1, fragments: [0, 1] }]);
  expect(planned).toEqual({ requests: [[2]], remove: [], complete: true });
});

test('an index over a field of a packed struct is replaced complete when the struct was rewritten in a fragment that it misses', () => {
  const schema = [
    { id: 0, name: 'x', parent: 1 },
    { id: 1, name: 'st', type: 'struct' },
    { id: 2, name: 'other' },
  ];
  // What the rewrite replaced had a file of its own, so that no tombstone tells of it.
  const files = (name: string) => [
    { path: 'f', fields: [2] },
    { path: name, fields: [1] },
  ];
  const fragments = [0, 1].map((id) => ({ id, files: files(`st${id}`) }));
  const manifest = parseManifest(manifestFile({ schema, fragments, indexes: [{ uuid: 1, fragments: [0] }] }));
  const { requests, remove } = planTable(manifest, EXISTING, LIMITS);
  expect([requests.map((it) => Array.from(it.fragments)), remove]).toEqual([[[0, 1]], [uuidText(1)]]);
});

test('an index without details is replaced complete as soon as it misses something, for Lance takes no second segment beside it', async () => {
  const bare = (fragments: readonly number[]): IndexSpec => {
    const files = ['page_lookup.lance', 'page_data.lance'].map((name) => [10, message([1, name], [2, 1])] as const);
    return { uuid: 1, fragments, details: null, more: files };
  };
  const planned = async (fragments: readonly number[]) => {
    const folder = await tableFolder({ fragments: [{ id: 0 }, { id: 1 }], indexes: [bare(fragments)] });
    const manifest = await new LanceTable(localStore(folder.root)).latest();
    const { requests, remove } = planTable(manifest, EXISTING, LIMITS);
    return [requests.map((it) => Array.from(it.fragments)), remove];
  };
  expect(await planned([0])).toEqual([[[0, 1]], [uuidText(1)]]);
  expect(await planned([0, 1])).toEqual([[], []]);
});
