/**
 * Lance compacts only neighbouring fragments that the same segments cover: one segment per append keeps a table fragmented
 * for ever, for every engine. Merging the segments makes compaction possible again.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Index } from '@lancedb/lancedb';
import { beforeAll, describe, expect, test } from 'vitest';
import { inspectTable } from '../../../src/lance/inspect/inspect.ts';
import { verifyTable } from '../../../src/lance/inspect/verify-table.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { localStore } from '../../../src/store/local-store.ts';
import { segmentd } from '../../../testing/cli.ts';
import type { RealTable } from '../../../testing/lance-table.ts';
import { idsWhere, index, realTable, usesIndex } from '../../../testing/lance-table.ts';
import { LONG } from '../../../testing/long.ts';
import type { Pylance, PylanceVersion } from '../../../testing/pylance.ts';
import { findPylance, versionsFor } from '../../../testing/pylance.ts';
import { nameOf, people } from './people.ts';

const APPENDS = 20;
const ROWS = 50;
const ALL = APPENDS * ROWS;

/** As many fragments as appends, each under segments of its own, one per index; every 25th row is deleted. */
async function inPieces(): Promise<RealTable> {
  const real = await realTable(people(0, ROWS));
  await real.table.createIndex('id', { config: Index.btree() });
  await real.table.createIndex('name', { config: Index.btree() });
  for (let at = 1; at < APPENDS; at++) {
    await real.table.add(people(at * ROWS, ROWS));
    await index(real.uri);
  }
  await real.table.delete('id % 25 = 7');
  return real;
}

async function shape({ uri }: RealTable) {
  const { fragments, rows, indexes } = await inspectTable(new LanceTable(localStore(uri)));
  return {
    ...{ fragments, rows },
    segments: indexes.map(({ segments }) => segments.length),
    coverage: indexes.map(({ coverage }) => coverage),
  };
}

const LIVE = ALL - ALL / 25;
const FRAGMENTED = { fragments: APPENDS, rows: LIVE, segments: [APPENDS, APPENDS], coverage: [1, 1] };
const MERGED = { ...FRAGMENTED, segments: [1, 1] };
const WHOLE = { ...MERGED, fragments: 1 };

async function expectRightAnswers({ uri, table }: RealTable): Promise<void> {
  const { findings, answers } = await verifyTable(new LanceTable(localStore(uri)), 100);
  expect(findings).toEqual([]);
  expect(answers).toBeGreaterThan(150);
  for (const id of [0, ROWS - 1, ROWS, 7, ALL - 1, ALL]) {
    const there = id < ALL && id % 25 !== 7 ? [id] : [];
    expect(await idsWhere(table, `id = ${id}`)).toEqual(there);
    expect(await idsWhere(table, `name = '${nameOf(id)}'`)).toEqual(there);
  }
  expect(await usesIndex(table, 'id = 5')).toBe(true);
}

const merge = async ({ uri }: RealTable) => {
  const { code, stderr } = await segmentd(['merge', uri, '--to', '1']);
  expect([code, stderr]).toEqual([0, '']);
};

test('LanceDB can compact a table after its segments were merged, and only then', async () => {
  const real = await inPieces();
  await real.table.optimize();
  await real.table.optimize();
  expect(await shape(real)).toEqual(FRAGMENTED);
  await expectRightAnswers(real);

  await merge(real);
  expect(await shape(real)).toEqual(MERGED);
  await expectRightAnswers(real);

  const { compaction } = await real.table.optimize();
  expect(compaction).toMatchObject({ fragmentsRemoved: APPENDS, fragmentsAdded: 1 });
  expect(await shape(real)).toEqual(WHOLE);
  await expectRightAnswers(real);

  // And so it goes on.
  for (let at = 0; at < 5; at++) {
    await real.table.add(people(ALL + at * ROWS, ROWS));
    await index(real.uri);
  }
  await merge(real);
  await real.table.optimize();
  expect(await shape(real)).toMatchObject({ fragments: 1, rows: LIVE + 5 * ROWS, segments: [1, 1], coverage: [1, 1] });
  expect(await idsWhere(real.table, `id = ${ALL + 1}`)).toEqual([ALL + 1]);
});

const run = promisify(execFile);

describe.each(versionsFor(LONG))('pylance %s', (version: PylanceVersion) => {
  let pylance: Pylance | undefined;
  // Installing takes as long as the network does.
  beforeAll(async () => {
    pylance = await findPylance(version);
  }, 600_000);

  test('can compact a table after its segments were merged, and only then', async () => {
    if (!pylance) return;
    const { python, env } = pylance;
    const real = await inPieces();
    const compact = () =>
      run(python, ['-s', '-c', 'import sys, lance; lance.dataset(sys.argv[1]).optimize.compact_files()', real.uri], {
        env,
      });
    await compact();
    expect(await shape(real)).toEqual(FRAGMENTED);
    await merge(real);
    await compact();
    expect(await shape(real)).toEqual(WHOLE);
    await expectRightAnswers(real);
  });
});
