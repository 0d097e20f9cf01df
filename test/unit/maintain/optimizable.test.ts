import { expect, test } from 'vitest';
import { parseManifest } from '../../../src/lance/codec/manifest.ts';
import { DEFAULT_POLICY } from '../../../src/lance/plan/row-ids.ts';
import { refuseOptimize } from '../../../src/maintain/optimizable.ts';
import type { ManifestSpec } from '../lance/manifest-fixture.ts';
import { manifestFile } from '../lance/manifest-fixture.ts';

const refusal = (spec: ManifestSpec) => () => refuseOptimize(parseManifest(manifestFile(spec)), DEFAULT_POLICY);
const stable = { readerFlags: 2n, writerFlags: 2n };

test('a plain table may be compacted', () => {
  expect(refusal({ indexes: [{ uuid: 1, fragments: [0] }] })).not.toThrow();
});

test('one whose segments record row addresses may not, and is told which Lance can', () => {
  const indexes = [{ uuid: 1, fragments: [0], indexVersion: 1 }];
  expect(refusal({ ...stable, indexes })).toThrow(
    expect.objectContaining({ code: 'table_newer_index', message: expect.stringContaining('Lance 14 or newer') }),
  );
});

test('nor may one that is declined', () => {
  expect(refusal({ ...stable, indexes: [{ uuid: 1, fragments: [0] }] })).toThrow(
    expect.objectContaining({ code: 'table_stable_row_ids' }),
  );
});
