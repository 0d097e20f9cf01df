/**
 * What docs/errors.md says to do about a table is done here, on tables that have the fault: afterwards segmentd serves the table, and
 * an answer by the index is that of a scan.
 */
import { readFileSync } from 'node:fs';
import { copyFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { connect, Index } from '@lancedb/lancedb';
import { describe, expect, test } from 'vitest';
import { decodeDataFragment } from '../../src/lance/codec/data-fragment.ts';
import type { Manifest } from '../../src/lance/codec/manifest.ts';
import { withoutFields } from '../../src/lance/codec/manifest.ts';
import type { ErrorCode } from '../../src/lib/errors.ts';
import { PYLANCE_VERSIONS } from '../../testing/pylance.ts';
import { forgeEntries, latestManifestFile, rewriteManifest, withVarint } from './forge.ts';
import { INDEX_ADVICE, indexAdvice } from './index-advice.ts';
import { answersOf, tablesOfPylance } from './pylance-table.ts';
import type { Maker, TableUnderTest } from './table-under-test.ts';

type Step = (table: TableUnderTest) => Promise<unknown>;

type Advice = {
  readonly code: ErrorCode;
  readonly what: string;
  /** Default: a table of two fragments with a BTREE over the first, data files 2.1. */
  readonly make?: Record<string, unknown>;
  /** Default: pylance. */
  readonly indexer?: Maker;
  readonly damage: Step;
  readonly follow: Step;
  readonly stableRowIds?: 'rebuild';
};

const newTable = tablesOfPylance(PYLANCE_VERSIONS.newest);

const inLanceDb = async (
  table: TableUnderTest,
  use: (opened: Awaited<ReturnType<typeof openLanceDb>>['opened']) => Promise<unknown>,
) => {
  const { connection, opened } = await openLanceDb(table);
  try {
    await use(opened);
  } finally {
    opened.close();
    connection.close();
  }
};

async function openLanceDb(table: TableUnderTest) {
  const connection = await connect(dirname(table.uri));
  return { connection, opened: await connection.openTable(basename(table.uri, '.lance')) };
}

const moveLatestAside: Step = async (table) => {
  const folder = join(table.uri, '_versions');
  const [newest] = (await readdir(folder)).filter((name) => name.endsWith('.manifest')).sort();
  await rename(join(folder, newest as string), join(table.uri, '..', 'damaged.manifest'));
};

const createAgain: Step = (table) =>
  inLanceDb(table, async (opened) => {
    await opened.dropIndex('id_idx');
    await opened.createIndex('id', { config: Index.btree() });
  });

/** The newest data file, whose rows are in no index. */
async function newestDataFile(table: TableUnderTest): Promise<string> {
  const manifest = await table.open().latest();
  const last = decodeDataFragment(manifest.fragments.bytesOf(manifest.fragments.length - 1));
  return join(table.uri, 'data', last.files[0]?.path ?? '');
}

/** A manifest as Lance wrote them before it counted rows and recorded its own version. */
function withoutCounts({ message, fragments }: Manifest): Uint8Array {
  const writer = new BinaryWriter();
  for (let at = 0; at < fragments.length; at++) {
    const fragment = Buffer.concat(withoutFields(fragments.bytesOf(at), new Set([4])));
    writer.tag(2, WireType.LengthDelimited).bytes(fragment);
  }
  return Buffer.concat([...withoutFields(message, new Set([2, 13])), writer.finish()]);
}

function withOtherTypeUrl(entry: Uint8Array): Uint8Array {
  const details = new BinaryWriter().tag(6, WireType.LengthDelimited).fork();
  details.tag(1, WireType.LengthDelimited).string('type.googleapis.com/lance.table.BTreeIndexDetails').join();
  return Buffer.concat([...withoutFields(entry, new Set([6])), details.finish()]);
}

/** A compaction that leaves the remapping of the indexes to later; all fragments lie under one segment before. */
const deferRemapping: Step = async (table) => {
  await table.ask('create_index', { columns: ['id'], replace: true });
  await table.ask('compact_files', { defer_index_remap: true });
};

const ADVICE: readonly Advice[] = [
  {
    code: 'table_unreadable',
    what: 'moving the damaged manifest out of _versions',
    damage: async (table) => writeFile(await latestManifestFile(table.uri), 'no manifest'),
    follow: moveLatestAside,
  },
  {
    code: 'table_mixed_versions_flag',
    what: 'moving the damaged manifest out of _versions',
    damage: ({ uri }) => rewriteManifest(uri, ({ message }) => withVarint(message, 9, 256)),
    follow: moveLatestAside,
  },
  {
    code: 'table_mixed_version_names',
    what: 'migrating the names',
    damage: async (table) => {
      const { version } = await table.open().latest();
      await rename(await latestManifestFile(table.uri), join(table.uri, '_versions', `${version}.manifest`));
    },
    follow: (table) => table.ask('migrate_names', { version: 1 }),
  },
  {
    code: 'table_stable_row_ids',
    what: 'asking for a rebuild',
    make: { stable_row_ids: true },
    indexer: 'LanceDB',
    damage: (table) => table.ask('update', { where: 'id % 10 = 5', values: { id: 'id + 5000' } }),
    follow: async () => undefined,
    stableRowIds: 'rebuild',
  },
  {
    code: 'table_stable_row_ids',
    what: 'creating the index again with Lance 14',
    make: { stable_row_ids: true },
    indexer: 'LanceDB',
    damage: (table) => table.ask('update', { where: 'id % 10 = 5', values: { id: 'id + 5000' } }),
    follow: (table) => table.ask('create_index', { columns: ['id'], replace: true }),
  },
  {
    code: 'table_mixed_index_versions',
    what: 'dropping and creating the index',
    make: { stable_row_ids: true },
    damage: async (table) => {
      await table.ask('optimize_indices', { num_indices_to_merge: 0 });
      let segments = 0;
      await forgeEntries(table.uri, 'id_idx', ({ raw }) => [segments++ === 0 ? raw : withVarint(raw, 7, 0)]);
    },
    follow: async (table) => {
      await table.ask('drop_index', { name: 'id_idx' });
      await table.ask('create_index', { columns: ['id'] });
    },
  },
  {
    code: 'table_newer_data_files',
    what: 'letting the Lance that wrote them index them',
    damage: async (table) => {
      await table.ask('append', { start: 900, count: 50, data_format: '2.3' });
      await table.catchUp('existing').catch(() => undefined);
    },
    follow: (table) => table.ask('optimize_indices'),
  },
  {
    code: 'table_fragment_reuse_index',
    what: 'replacing each BTREE, then dropping the reuse index',
    damage: deferRemapping,
    follow: async (table) => {
      await table.ask('create_index', { columns: ['id'], replace: true });
      await table.ask('drop_index', { name: '__lance_frag_reuse' });
    },
  },
  {
    code: 'table_fragment_reuse_index',
    what: 'dropping all of them and creating the BTREE again',
    damage: deferRemapping,
    follow: async (table) => {
      await table.ask('drop_index', { name: 'id_idx' });
      await table.ask('drop_index', { name: '__lance_frag_reuse' });
      await table.ask('create_index', { columns: ['id'] });
    },
  },
  {
    code: 'table_fragment_reuse_index',
    what: 'replacing and dropping with LanceDB',
    damage: deferRemapping,
    follow: (table) =>
      inLanceDb(table, async (opened) => {
        await opened.createIndex('id', { config: Index.btree() });
        await opened.dropIndex('__lance_frag_reuse');
      }),
  },
  {
    code: 'table_legacy_data_files',
    what: 'rewriting the data files and creating the index again',
    make: { data_format: 'legacy' },
    damage: async () => undefined,
    follow: async (table) => {
      await table.ask('rewrite_files');
      await table.ask('create_index', { columns: ['id'] });
    },
  },
  {
    code: 'table_needs_migration',
    what: 'a commit by LanceDB',
    damage: ({ uri }) => rewriteManifest(uri, withoutCounts),
    follow: (table) => table.append('LanceDB', 300, 100),
  },
  {
    code: 'table_index_unreadable',
    what: 'dropping and creating an index without a fragment bitmap',
    damage: ({ uri }) => forgeEntries(uri, 'id_idx', ({ raw }) => [Buffer.concat(withoutFields(raw, new Set([5])))]),
    follow: createAgain,
  },
  {
    code: 'table_index_unreadable',
    what: 'dropping and creating an index whose segments disagree',
    damage: async (table) => {
      await table.ask('optimize_indices', { num_indices_to_merge: 0 });
      let segments = 0;
      await forgeEntries(table.uri, 'id_idx', ({ raw }) => [segments++ === 0 ? raw : withOtherTypeUrl(raw)]);
    },
    follow: createAgain,
  },
  {
    code: 'table_index_unreadable',
    what: 'moving a manifest with an entry without a uuid out of _versions',
    damage: ({ uri }) => forgeEntries(uri, 'id_idx', ({ raw }) => [Buffer.concat(withoutFields(raw, new Set([1])))]),
    follow: moveLatestAside,
  },
  {
    code: 'column_type_unsupported',
    what: 'an index over another column beside that of the other engine',
    damage: async (table) => {
      await table.ask('add_large_string');
      await table.ask('create_index', { columns: ['large'] });
      await table.ask('drop_index', { name: 'id_idx' });
    },
    follow: (table) => table.createIndexes('pylance', ['id']),
  },
  {
    code: 'table_data_file_missing',
    what: 'putting the file back',
    damage: async (table) => {
      const file = await newestDataFile(table);
      await rename(file, join(table.uri, '..', 'copy.lance-file'));
    },
    follow: async (table) => copyFile(join(table.uri, '..', 'copy.lance-file'), await newestDataFile(table)),
  },
  {
    code: 'table_data_file_missing',
    what: 'restoring a version that does not name it',
    damage: async (table) => rm(await newestDataFile(table)),
    follow: (table) =>
      inLanceDb(table, async (opened) => {
        await opened.checkout((await opened.version()) - 1);
        await opened.restore();
      }),
  },
  {
    code: 'table_data_file_missing',
    what: 'deleting the fragment',
    damage: async (table) => rm(await newestDataFile(table)),
    follow: (table) => table.ask('delete_fragment', { fragment: 1 }),
  },
];

const wrongIn = (answers: readonly string[]) => answers.filter((it) => !/: (\d+) by index, \1 by scan$/.test(it));

const FILTERS = ['id = 50', 'id < 40', 'id >= 60'];

describe.each(ADVICE)('$code: $what', ({ code, make = {}, indexer = 'pylance', damage, follow, stableRowIds }) => {
  test('makes segmentd serve the table, and its answers are right', async () => {
    const table = await newTable();
    if (!table) return;
    await table.ask('create', { start: 0, count: 100, v2_names: true, data_format: '2.1', ...make });
    await table.createIndexes(indexer, ['id']);
    await table.append('pylance', 100, 100);
    await damage(table);
    await expect(table.catchUp('existing')).rejects.toMatchObject({ code });
    await follow(table);
    // Also after what usually happens to a table: what is wrong may only show then.
    for (const start of [200, 300]) {
      await table.append('pylance', start, 100);
      await table.catchUp('existing', undefined, stableRowIds);
      expect(wrongIn(await answersOf(table, FILTERS))).toEqual([]);
      expect(await table.findings()).toEqual([]);
      await table.ask('compact_files');
    }
  });
});

describe('table_stable_row_ids: letting optimize() keep the indexes', () => {
  test('makes the answers right, and segmentd goes on to leave the table alone', async () => {
    const table = await newTable();
    if (!table) return;
    await table.ask('create', { start: 0, count: 100, v2_names: true, data_format: '2.1', stable_row_ids: true });
    await table.createIndexes('LanceDB', ['id']);
    for (const start of [100, 200]) {
      await table.append('pylance', start, 100);
      await table.ask('update', { where: 'id % 10 = 5', values: { id: 'id + 5000' } });
      await inLanceDb(table, (opened) => opened.optimize());
      expect(wrongIn(await answersOf(table, FILTERS))).toEqual([]);
    }
    await expect(table.catchUp('existing')).rejects.toMatchObject({ code: 'table_stable_row_ids' });
  });
});

describe('table_fragment_reuse_index, what not to do:', () => {
  test('dropping the reuse index alone makes the BTREE answer wrongly', async () => {
    const table = await newTable();
    if (!table) return;
    await table.ask('create', { start: 0, count: 100, v2_names: true, data_format: '2.1' });
    await table.append('pylance', 100, 100);
    await deferRemapping(table);
    for (const start of [200, 300]) await table.append('pylance', start, 100);
    await table.ask('compact_files');
    await table.ask('drop_index', { name: '__lance_frag_reuse' });
    expect(await answersOf(table, ['id < 50'])).toEqual(['id < 50: 0 by index, 50 by scan']);
  });

  test('Lance answers wrongly by itself when it deletes and compacts after a deferred compaction', async () => {
    const table = await newTable();
    if (!table) return;
    await table.ask('create', { start: 0, count: 1000, v2_names: true, data_format: '2.1' });
    await table.createIndexes('pylance', ['id']);
    for (const start of [1000, 2000, 3000, 4000]) {
      await table.append('pylance', start, 1000);
      if (start !== 1000 && start !== 3000) await table.ask('optimize_indices', { num_indices_to_merge: 0 });
    }
    await table.ask('compact_files', { defer_index_remap: true });
    await table.append('pylance', 5000, 1000);
    await table.ask('compact_files');
    await table.ask('delete', { where: 'id % 3 = 0' });
    await table.ask('compact_files');
    expect(wrongIn(await answersOf(table, ['id < 100000']))).not.toEqual([]);
  });
});

indexAdvice(newTable);

/** Every code of a table in docs/errors.md is done above, or says nothing to do about the table. */
const NOTHING_TO_DO: readonly string[] = [
  ...['table_not_found', 'table_unknown_reader_flag', 'table_unknown_writer_flag', 'table_data_overlays'],
  ...['table_covering_index', 'table_mem_wal_index', 'table_newer_index', 'column_not_found', 'index_name_taken'],
  'table_managed_versioning',
];

test('nothing that docs/errors.md says about a table is left undone', () => {
  const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const group = page.split(/^## /m).find((it) => it.startsWith('Tables that are not written')) ?? '';
  const codes = Array.from(group.matchAll(/^### (\S+)$/gm), ([, code]) => code);
  expect(codes.length).toBeGreaterThan(10);
  expect(new Set(codes)).toEqual(new Set([...[...ADVICE, ...INDEX_ADVICE].map(({ code }) => code), ...NOTHING_TO_DO]));
});
