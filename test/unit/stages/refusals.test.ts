/** Whatever code a table fails with, and wherever in a round: the round of that table ends, and no other table notices. */
import { rm } from 'node:fs/promises';
import { Subject } from 'rxjs';
import { expect, test } from 'vitest';
import type { SegmentBuilder } from '../../../src/lance/segment.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import type { ErrorCode } from '../../../src/lib/errors.ts';
import { declinesTable, ERRORS, SegmentdError } from '../../../src/lib/errors.ts';
import { DEFAULT_MERGE } from '../../../src/merge/policy/tiered.ts';
import type { ConsumerRecord } from '../../../src/model.ts';
import { pipeline } from '../../../src/pipeline.ts';
import { localStore } from '../../../src/store/local-store.ts';
import type { TableFolder } from '../lance/table-fixture.ts';
import { tableFolder } from '../lance/table-fixture.ts';
import { consumerRecord, tableRef, testContext } from './context-fixture.ts';

const CODES = (Object.keys(ERRORS) as ErrorCode[]).filter(declinesTable);
const STAGES = ['await version', 'plan', 'build', 'commit'] as const;

const folderOf = () => {
  const fragments = [0, 1].map((id) => ({ id }));
  return tableFolder({ version: 3, fragments, indexes: [{ uuid: 1, fragments: [0] }] });
};

/** A table whose manifest cannot be had any more from one stage on; `build` fails in the builder first. */
function failingTable(folder: TableFolder, stage: (typeof STAGES)[number], error: SegmentdError) {
  const table = new LanceTable(localStore(folder.root));
  const read = table.latest.bind(table);
  const readsBefore = { 'await version': 0, plan: 1, build: 2, commit: 2 }[stage];
  let reads = 0;
  table.latest = () => (++reads > readsBefore ? Promise.reject(error) : read());
  return table;
}

const cases = STAGES.flatMap((stage) => CODES.map((code) => [stage, code] as const));

test.each(cases)('in %s: %s', async (stage, code) => {
  const [bad, good] = await Promise.all([folderOf(), folderOf()]);
  const error = new SegmentdError(code, 'refused');
  const tables = { bad: failingTable(bad, stage, error), good: new LanceTable(localStore(good.root)) };
  // The indexes of the other table miss nothing.
  await good.write({ version: 4, fragments: [{ id: 0 }], indexes: [{ uuid: 1, fragments: [0] }] });
  const builder: SegmentBuilder = {
    build: async (manifest) => {
      if (stage === 'build') throw error;
      return { manifest, segments: [], [Symbol.asyncDispose]: async () => undefined };
    },
  };
  const context = testContext({
    builder,
    tables: { ...testContext().tables, open: (uri) => tables[uri.includes('bad') ? 'bad' : 'good'] },
    decodeRecord: ({ position }) => [{ table: tableRef(position.offset === 0n ? 'bad' : 'good') }],
    settings: { ...testContext().settings, versionWaitMs: 0 },
  });
  const records = new Subject<ConsumerRecord>();
  const merges = { settings: () => DEFAULT_MERGE, concurrency: 0, pauseLagMs: 0 };
  const ended = Promise.withResolvers<unknown>();
  const subscription = pipeline(records, context, { merges }).subscribe({
    error: ended.resolve,
    complete: () => ended.resolve('complete'),
  });
  const given = [consumerRecord(0), consumerRecord(1)];
  for (const record of given) records.next(record);
  records.complete();
  expect(await ended.promise).toBe('complete');
  expect(given.map((record) => record.acks())).toEqual([1, 1]);
  const told = code === 'table_not_found' ? context.deadLetters : [[0n, context.states.of('lake/bad').declined?.code]];
  expect(told).toEqual([[0n, code === 'table_not_found' ? 'event_table_not_found' : code]]);
  subscription.unsubscribe();
  await Promise.all([bad, good].map(({ root }) => rm(root, { recursive: true, force: true })));
});
