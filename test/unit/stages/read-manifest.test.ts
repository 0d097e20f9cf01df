import { expect, test } from 'vitest';
import type { Manifest } from '../../../src/lance/codec/manifest.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import { readManifest } from '../../../src/stages/read-manifest.ts';
import { passing, tableRef, testContext } from './context-fixture.ts';

const manifest = { version: 4, fragments: { rows: [3, 5] } } as unknown as Manifest;

/** What is known after a look that gave `manifest`, then one that failed. */
async function knownAfter(error: SegmentdError) {
  const reads = [async () => manifest, () => Promise.reject(error)];
  const context = testContext({ table: { latest: () => reads.shift()?.() ?? Promise.reject(error) } });
  expect(await readManifest(context, tableRef('t'))).toBe(manifest);
  expect(context.states.of('lake/t')).toMatchObject({ version: 4, rows: 8 });
  await expect(readManifest(context, tableRef('t'))).rejects.toBe(error);
  return context.states.of('lake/t').version;
}

test('what a manifest says is known once it is read, and no more when the next cannot be', async () => {
  expect(await knownAfter(new SegmentdError('table_unreadable', 'damaged'))).toBeNull();
});

test('a store that does not answer, or a table that is gone, says nothing of a manifest', async () => {
  expect(await knownAfter(passing())).toBe(4);
  expect(await knownAfter(new SegmentdError('table_not_found', 'gone'))).toBe(4);
});
