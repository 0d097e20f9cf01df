import { expect, test } from 'vitest';
import { parseManifest } from '../../../src/lance/codec/manifest.ts';
import { DEFAULT_POLICY } from '../../../src/lance/plan/row-ids.ts';
import { planTable } from '../../../src/lance/plan/table-plan.ts';
import type { AppendEvent } from '../../../src/model.ts';
import { shareBackfill } from '../../../src/stages/share-backfill.ts';
import { manifestFile } from '../lance/manifest-fixture.ts';
import { batchOf, tableRef, testContext } from './context-fixture.ts';

const BATCH = batchOf([]);
const LIMITS = { maxRows: 1e9, maxFragments: 1e6 };
const fragments = Array.from({ length: 10 }, (_, id) => ({ id, rows: 10 }));
const manifest = parseManifest(manifestFile({ version: 4, fragments, indexes: [{ uuid: 1, fragments: [0] }] }));

function contextThat(publishes: boolean, thresholdRows: number) {
  const published: AppendEvent[] = [];
  const context = testContext({
    publish: async (events) => {
      published.push(...events);
      return publishes;
    },
  });
  const backfill = { thresholdRows, rowsPerSegment: 30 };
  return { published, context: { ...context, settings: { ...context.settings, backfill } } };
}
const planned = (isDelegated?: (id: number) => boolean) =>
  planTable(manifest, DEFAULT_POLICY, LIMITS, isDelegated ? { isDelegated } : {});

test('a large gap is published but for its newest part, as one job, and left to other members from then on', async () => {
  const { context, published } = contextThat(true, 89);
  expect(await shareBackfill(context, BATCH, manifest, planned())).toBe(true);
  expect(published.map((event) => event.fragments)).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  const [first, second] = published;
  expect(first).toMatchObject({ table: tableRef('t'), version: 4, rows: 30, backfill: { first: 1, last: 6 } });
  expect(second?.backfill).toEqual(first?.backfill);
  const isDelegated = (id: number) => context.backfills.has('lake/t', id);
  expect([...(planned(isDelegated).requests[0]?.fragments ?? [])]).toEqual([7, 8, 9]);
  expect(context.lines).toMatchObject([{ event: 'backfillPublished', events: 2, rows: 60 }]);
  // What is pending is not published again.
  expect(await shareBackfill(context, BATCH, manifest, planned(isDelegated))).toBe(false);
});

test.each([
  ['no more than the threshold is missing', 90, true],
  ['the number of partitions is not known', 89, false],
])('nothing is shared out when %s', async (_, thresholdRows, publishes) => {
  const { context } = contextThat(publishes, thresholdRows);
  expect(await shareBackfill(context, BATCH, manifest, planned())).toBe(false);
  expect(context.backfills.has('lake/t', 1)).toBe(false);
});

test('an index that is replaced whole is not shared out', async () => {
  const { context, published } = contextThat(true, 1);
  expect(await shareBackfill(context, BATCH, manifest, { ...planned(), remove: ['x'] })).toBe(false);
  expect(published).toEqual([]);
});

test('what is published goes on with the trace of the batch', async () => {
  const { context } = contextThat(true, 89);
  const headers = new Map([['traceparent', 'of the batch']]);
  const given: unknown[] = [];
  const publish = async (_: unknown, its: unknown) => given.push(its) > 0;
  const trace = { headers, begin: () => () => undefined, end: () => undefined };
  expect(await shareBackfill({ ...context, publish }, { ...BATCH, trace }, manifest, planned())).toBe(true);
  expect(given).toEqual([headers]);
});
