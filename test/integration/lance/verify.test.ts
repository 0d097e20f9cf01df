import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeVector, Table } from 'apache-arrow';
import { expect, test } from 'vitest';
import { compareAnswers } from '../../../src/lance/engine/sample-answers.ts';
import { claim } from '../../../testing/claim-fragments.ts';
import { segmentd } from '../../../testing/cli.ts';
import { index, latest, realTable } from '../../../testing/lance-table.ts';
import { localPlace } from '../../../testing/local-place.ts';
import { people } from '../../../testing/people.ts';

/** A table of three fragments, each under a segment of its own; with stable row ids of row addresses, which LanceDB does not know. */
async function segmented(stableRowIds = false) {
  const real = await realTable(people(0, 100), { stableRowIds });
  await index(real.uri, { wanted: [{ column: 'id' }], stableRowIds: 'addresses' });
  for (const from of [100, 200]) {
    await real.table.add(people(from, 100));
    await index(real.uri);
  }
  return real;
}

/** More than a table here has rows: every value is asked for, and nothing is left to chance. */
const ALL_ROWS = '500';

async function verify(uri: string) {
  const { code, stdout } = await segmentd(['verify', uri, '--json', '--samples', ALL_ROWS]);
  const report = JSON.parse(stdout) as { findings: { code: string; segment: string | null }[]; segments: number };
  return { code, report, codes: new Set(report.findings.map((finding) => finding.code)) };
}

test('what segmentd wrote has no findings', async () => {
  const { uri } = await segmented();
  const { code, report } = await verify(uri);
  expect([code, report.segments, report.findings]).toEqual([0, 3, []]);
});

test('a missing file is found, and so is what it does to queries', async () => {
  const { uri } = await segmented();
  const [segment] = (await readdir(join(uri, '_indices'))).slice(-1);
  await rm(join(uri, '_indices', segment as string, 'page_data.lance'));
  const { code, codes } = await verify(uri);
  expect(code).toBe(1);
  expect(codes).toEqual(new Set(['file_missing', 'query_failed']));
});

test('a file of another size is found', async () => {
  const { uri } = await segmented();
  const [segment] = (await readdir(join(uri, '_indices'))).slice(-1);
  const path = join(uri, '_indices', segment as string, 'page_lookup.lance');
  await writeFile(path, Buffer.concat([await readFile(path), Buffer.from([0])]));
  expect((await verify(uri)).codes).toContain('file_missing');
});

test('a segment that claims a fragment it does not hold answers wrongly, and that is found', async () => {
  const { uri, table } = await segmented();
  await table.add(people(300, 100));
  await claim(uri, [2, 3]);
  const { code, codes } = await verify(uri);
  expect([code, codes]).toEqual([1, new Set(['answer_wrong'])]);
});

test('two segments that claim one fragment are found', async () => {
  const { uri } = await segmented();
  await claim(uri, [1, 2]);
  const { code, codes } = await verify(uri);
  expect([code, codes]).toEqual([1, new Set(['bitmap_overlap'])]);
});

test('--samples 0 looks at the manifest and the files alone', async () => {
  const { uri, table } = await segmented();
  await table.add(people(300, 100));
  await claim(uri, [2, 3]);
  const { code, stdout } = await segmentd(['verify', uri, '--samples', '0']);
  expect([code, stdout]).toEqual([0, expect.stringContaining('no findings')]);
});

test('the smallest of all integers is asked for as what it is', async () => {
  const smallest = -(2n ** 63n);
  const { uri } = await realTable(new Table({ c: makeVector(BigInt64Array.of(smallest, -1n, 7n)) }));
  await index(uri, { wanted: [{ column: 'c' }] });
  const { code, report } = await verify(uri);
  expect([code, report.findings]).toEqual([0, []]);
});

test('more values than one scan asks for are compared all the same', async () => {
  const { uri, table } = await segmented();
  await table.add(people(300, 100));
  await claim(uri, [2, 3]);
  const { stdout } = await segmentd(['verify', uri, '--json', '--samples', ALL_ROWS]);
  const { answers, answers_left_out, findings } = JSON.parse(stdout);
  // Each value, all of them at once, and the null; one finding for each value of the fragment that the segment does not hold, one for all.
  expect([answers, answers_left_out, findings.length]).toEqual([402, 0, 101]);
});

test('answers beyond a bound of rows are left out, and those that are asked still find what is wrong', async () => {
  const { uri, table } = await segmented();
  const bound = (rows: number) => compareAnswers(localPlace(uri), { column: '`id`', samples: 5, maxRows: rows });
  expect(await bound(1_000)).toMatchObject({ leftOut: 0, wrong: [] });
  // Five values and the null; all of them at once have too many rows.
  expect(await bound(5)).toMatchObject({ asked: 6, leftOut: 1, wrong: [] });
  expect(await bound(0)).toMatchObject({ asked: 1, leftOut: 6 });
  await table.add(people(300, 100));
  await claim(uri, [2, 3]);
  // The index finds no row for 100 of the 400 values, so at least one of 301 is such, whichever they are; five others may be asked for.
  const { asked, wrong } = await compareAnswers(localPlace(uri), { column: '`id`', samples: 301, maxRows: 5 });
  expect(asked).toBeLessThanOrEqual(106);
  expect(wrong.length).toBeGreaterThan(0);
});

test('segments of row addresses are proven in a view', async () => {
  const { uri, table } = await segmented(true);
  expect((await latest(uri)).indexes.map(({ indexVersion }) => indexVersion)).toEqual([1, 1, 1]);
  await table.delete('id >= 40 AND id < 60');
  const { code, report } = await verify(uri);
  expect([code, report.segments, report.findings]).toEqual([0, 3, []]);
  await table.add(people(300, 100));
  await claim(uri, [2, 3]);
  expect((await verify(uri)).codes).toEqual(new Set(['answer_wrong']));
});

test('a compaction by a Lance that does not know segments of row addresses is found', async () => {
  const { uri, table } = await segmented(true);
  await table.delete('id >= 0 AND id < 60');
  await table.optimize();
  expect((await verify(uri)).codes).toEqual(new Set(['answer_wrong']));
});
