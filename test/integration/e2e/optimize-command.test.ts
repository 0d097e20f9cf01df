/** `segmentd optimize` as an operator uses it. */
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ownUuid } from '../../../src/lance/codec/own-uuid.ts';
import { segmentd } from '../../../testing/cli.ts';
import { digests, idsWhere, index, latest, realTable, usesIndex } from '../../../testing/lance-table.ts';
import { people } from '../../../testing/people.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

const ROWS = 100;
const FRAGMENTS = 5;

/** A table of five fragments under segments of their own, of which the last is not indexed yet, with what a killed process left. */
async function neglected() {
  const real = await realTable(people(0, ROWS));
  await index(real.uri, { wanted: [{ column: 'id' }] });
  for (let at = 1; at < FRAGMENTS; at++) {
    await real.table.add(people(at * ROWS, ROWS));
    if (at < FRAGMENTS - 1) await index(real.uri);
  }
  await real.table.delete('id < 10');
  const orphan = join(real.uri, '_indices', ownUuid());
  await mkdir(orphan);
  await writeFile(join(orphan, 'page_data.lance'), 'xyz');
  const old = Date.now() / 1000 - 2 * 86_400;
  await utimes(join(orphan, 'page_data.lance'), old, old);
  return real;
}

async function optimize(uri: string, ...options: string[]) {
  const { code, stdout, stderr } = await segmentd(['optimize', uri, ...options, '--scratch-dir', await tempDir()]);
  expect([code, stderr]).toEqual([0, '']);
  return options.includes('--json') ? JSON.parse(stdout) : stdout;
}

test('--dry-run says what would be compacted and freed, and changes nothing', async () => {
  const { uri } = await neglected();
  const before = await digests(uri);
  const { version } = await latest(uri);
  const forecast = await optimize(uri, '--dry-run', '--json', '--keep-versions-for', '0s');
  expect(forecast).toMatchObject({
    ...{ uri, version, compaction: { fragments_removed: FRAGMENTS, fragments_added: 1 } },
    orphans: { segments: 1, staged: 0, bytes: 3 },
    cost: { versions: version, small_fragments: FRAGMENTS, deleted_rows: 10, deleted_fraction: 0.02 },
  });
  expect(forecast.frees).toMatchObject({ versions: version - 1, data_bytes: 0 });
  const text = await optimize(uri, '--dry-run');
  expect(text).toContain('would make about 1 of 5 fragments');
  expect(text).toContain('no version is old enough to go');
  expect(text).toContain('would take away 1 segment and 0 staged manifests of processes that were killed: 3 B');
  expect(await digests(uri)).toEqual(before);
});

test('indexes, compacts, compares answers, cleans up, and says what it freed', async () => {
  const { uri, table } = await neglected();
  const { version } = await latest(uri);
  const done = await optimize(uri, '--json', '--keep-versions-for', '0s');
  expect(done).toMatchObject({
    ...{ uri, segments_merged: FRAGMENTS, compaction: { fragments_removed: FRAGMENTS, fragments_added: 1 } },
    ...{ orphans: { segments: 1, staged: 0, bytes: 3 }, before: { versions: version } },
    after: { versions: 1, small_fragments: 1, deleted_rows: 0, index_dead_bytes: 0 },
  });
  expect(done.answers_compared).toBeGreaterThan(5);
  expect(done.freed.bytes).toBeGreaterThan(1_000);
  expect(done.peak_memory_bytes).toBeGreaterThan(10_000_000);
  for (const id of [0, 10, 499]) {
    expect(await idsWhere(table, `id = ${id}`)).toEqual(id < 10 ? [] : [id]);
    expect(await usesIndex(table, `id = ${id}`)).toBe(true);
  }
  const { stdout } = await segmentd(['verify', uri, '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ segments: 1, findings: [] });

  const again = await optimize(uri, '--keep-versions-for', '0s');
  expect(again).toContain(`${uri} is optimized at version ${done.version}`);
  expect(again).toContain('made 0 of 0 fragments');
});

test('versions stay for a week unless the configuration says otherwise', async () => {
  const { database, uri, table } = await realTable(people(0, ROWS));
  await index(uri, { wanted: [{ column: 'id' }] });
  await table.add(people(ROWS, ROWS));
  const config = join(await tempDir(), 'segmentd.yaml');
  await writeFile(config, `databases: {db: ${database}}\ntables: {db/t: {maintain: {keep_versions_for: 0s}}}\n`);
  const kept = await optimize(uri, '--json');
  expect(kept.after.versions).toBe(kept.version);
  const cleaned = await optimize('db/t', '--json', '--config', config);
  expect(cleaned.after.versions).toBe(1);
});

test('beyond --max-memory it ends with the code for that', async () => {
  const { uri } = await neglected();
  const { code, stderr } = await segmentd(['optimize', uri, '--max-memory', '64MiB', '--scratch-dir', await tempDir()]);
  expect([code, stderr]).toEqual([69, expect.stringContaining('segmentd: optimize_memory: ')]);
});
