/** What one Lance makes of tables that segmentd serves, and segmentd of its tables: a row of docs/compatibility.md, measured. */
import { ENGINE } from '../../src/lance/plan/supported.ts';
import { SegmentdError } from '../../src/lib/errors.ts';
import { answersOf } from './pylance-table.ts';
import { TableUnderTest } from './table-under-test.ts';
import { CANNOT_JOIN, PLAIN, STABLE } from './tables.ts';
import type { Worker } from './worker.ts';

export type Compatibility = {
  readonly lance: string;
  /** Version of the data files that it writes when nothing is said. */
  readonly dataFiles: string;
  /** Of an index it makes on a table with stable row ids. */
  readonly indexVersion: number;
  /** Its readers, over segments of all versions. */
  readonly plainRead: string;
  /** Its `optimize_indices` beside segments of segmentd. */
  readonly plainOptimized: string;
  /** What segmentd does with its tables with stable row ids. */
  readonly stableServed: string;
  /** Its readers and writers, where another Lance and segmentd made segments of row addresses. */
  readonly addressesRead: string;
  readonly addressesAppended: string;
  readonly addressesUpdated: string;
  readonly addressesCompacted: string;
};

const FILTERS = ['id = 50', 'id = 150', 'id = 250', 'id >= 0'];

/** Whether the reader's answers are those of a scan, and how it comes to them. */
async function reads(table: TableUnderTest): Promise<string> {
  if ((await table.open().latest()).indexes.length === 0) return 'the index is gone';
  const answers = await answersOf(table, FILTERS);
  if (answers.some((it) => !/: (\d+) by index, \1 by scan/.test(it))) return 'wrong answers';
  return answers.some((it) => it.endsWith('without the index')) ? 'right, by a scan' : 'right, by the index';
}

async function outcomeOf(task: () => Promise<string>): Promise<string> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof SegmentdError) return `declined: \`${error.code}\``;
    // How Lance before 8 refuses an index of several segments: the table stays as it was.
    if (error instanceof Error && CANNOT_JOIN.test(error.message)) return 'fails, and changes nothing';
    throw error;
  }
}

/** Folders for tables, one each. */
export type NewFolder = () => Promise<string>;

/** `worker` is of the Lance to be measured, `newest` of one that makes segments of row addresses. */
export async function measureCompatibility(
  worker: Worker,
  newest: Worker,
  newFolder: NewFolder,
): Promise<Compatibility> {
  const { pylance: lance } = await worker.ask<{ pylance: string }>('version', {});
  const plain = await servedTable(new TableUnderTest(worker, await newFolder()));
  const plainRead = await reads(plain);
  const plainOptimized = await outcomeOf(async () => {
    await plain.append('pylance', 300, 100);
    await plain.ask('optimize_indices');
    return reads(plain);
  });
  const stable = new TableUnderTest(worker, await newFolder());
  await stable.create(STABLE, 0, 100);
  await stable.createIndexes('pylance', ['id']);
  await stable.append('pylance', 100, 100);
  const [made] = (await stable.open().latest()).indexes;
  const stableServed = await outcomeOf(async () => {
    await stable.catchUp('existing', undefined, 'decline');
    return 'served';
  });
  /** Segments of the newest Lance and of segmentd, in the hands of this one. */
  const addresses = async (change: (table: TableUnderTest) => Promise<unknown>) => {
    const table = new TableUnderTest(newest, await newFolder());
    await table.create(STABLE, 0, 100);
    await table.createIndexes('pylance', ['id', 's']);
    await table.append('pylance', 100, 200);
    await table.catchUp('existing');
    return outcomeOf(async () => {
      await change(table.workedOnBy(worker));
      return reads(table);
    });
  };
  let addressesRead = '';
  const readBy = async (table: TableUnderTest) => {
    addressesRead = await reads(table);
  };
  await addresses(readBy);
  return {
    lance,
    dataFiles: await defaultDataFiles(worker, await newFolder()),
    indexVersion: made?.indexVersion ?? 0,
    plainRead,
    plainOptimized,
    stableServed,
    addressesRead,
    addressesAppended: await addresses((table) => table.append('pylance', 300, 100)),
    addressesUpdated: await addresses((table) => table.ask('update', { where: 'id = 50', values: { s: "'new'" } })),
    addressesCompacted: await addresses(async (table) => {
      await table.ask('delete', { where: 'id = 60 OR id = 160' });
      await table.ask('compact_files', { materialize_deletions_threshold: 0 });
    }),
  };
}

/** Segments of three writers: this Lance, the engine, and segmentd. */
async function servedTable(table: TableUnderTest): Promise<TableUnderTest> {
  await table.create(PLAIN, 0, 100);
  await table.createIndexes('pylance', ['id']);
  for (const start of [100, 200]) {
    await table.append('pylance', start, 100);
    await table.catchUp('existing');
  }
  return table;
}

async function defaultDataFiles(worker: Worker, folder: string): Promise<string> {
  const table = new TableUnderTest(worker, folder);
  await table.ask('create', { start: 0, count: 1, v2_names: true, data_format: null });
  return (await table.open().latest()).dataFormat ?? 'legacy';
}

/** The page, of rows from the oldest Lance to the newest. */
export function compatibilityPage(rows: readonly Compatibility[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const table = (head: readonly string[], cells: (row: Compatibility) => readonly (string | number)[]) =>
    [line(head), line(head.map(() => '---')), ...rows.map((row) => line(cells(row).map(String)))].join('\n');
  return `# Which Lance goes with segmentd

Measured by the interop tests with each pylance, which carries the Lance of its version. segmentd's engine is Lance ${ENGINE.version} (LanceDB for
Node 0.39), which reads data files up to 2.2. \`segmentd status\` names the Lance that last wrote to a table beside it.

## Tables without stable row ids

Measured with BTREEs; [indexes.md](indexes.md) says what differs with other kinds.

All of these versions may write to a table and read it beside segmentd, in any combination.

${table(['Lance', 'writes data files', 'reads segments of segmentd', 'its optimize_indices beside them'], (row) => [
  ...[row.lance, row.dataFiles, row.plainRead, row.plainOptimized],
])}

## Tables with stable row ids

An index records stable row ids (index version 0) or row addresses (index version 1), by the Lance that made it. segmentd adds to indexes of
row addresses, and declines the others unless told to [rebuild](tables.md#stable-row-ids) them.

${table(['Lance', 'index version it writes', 'segmentd and its index'], (row) => [
  ...[row.lance, row.indexVersion, row.stableServed],
])}

## Other writers of a table whose indexes record row addresses

What the newest Lance in this table finds by the index after another one has worked on the table. **A Lance before 14 may read such a table, and
should not write to it**, whether segmentd serves it or not:

- Before Lance 12, any commit drops an index of row addresses from the table.
- Lance 12 and 13, LanceDB for Node 0.39 among them, may append and delete. With an update or a compaction they take the segments for segments
  of stable row ids, and say that these cover fragments that they do not know, so that Lance 14 answers wrongly. \`segmentd verify\` finds
  it, and creating the index again mends it.

${table(['Lance', 'reads', 'after its append', 'after its update', 'after its compaction'], (row) => [
  ...[row.lance, row.addressesRead, row.addressesAppended, row.addressesUpdated, row.addressesCompacted],
])}

## Newer than the engine

segmentd serves what its engine can read, and declines the rest by name:

| what a newer Lance writes | what segmentd does |
| --- | --- |
| data files above 2.2 | indexes all other fragments, then says [table_newer_data_files](errors.md#table_newer_data_files) |
| a type that the engine cannot parse, such as a timestamp in the time zone \`+05:30\` | nothing, in a column without an index; else [column_type_unsupported](errors.md#column_type_unsupported) |
| an index version that segmentd does not write | [table_newer_index](errors.md#table_newer_index) |
| feature flags that segmentd does not know | [table_unknown_reader_flag](errors.md#table_unknown_reader_flag) or [table_unknown_writer_flag](errors.md#table_unknown_writer_flag), with their numbers |

A table is served again with its first event, or the next sweep, after the cause is gone.
`;
}
