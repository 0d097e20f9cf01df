/** The benchmarks at their smallest: that they run to their end and print what the pages are made of, not how fast anything is. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';
import type { Measured } from '../../../bench/harness/run-scenario.ts';

const MAIN = fileURLToPath(new URL('../../../bench/main.ts', import.meta.url));

async function bench(name: string, sizes: Readonly<Record<string, number | string>>): Promise<Measured> {
  const set = Object.entries(sizes).flatMap(([size, value]) => ['--set', `${size}=${value}`]);
  const env = { ...process.env, KAFKA_BROKERS: inject('brokers').join(',') };
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, name, '--json', ...set], { env });
  const { scenarios } = JSON.parse(stdout) as { scenarios: Measured[] };
  expect(scenarios).toHaveLength(1);
  return scenarios[0] as Measured;
}

const waysOf = ({ tables }: Measured, name: string) =>
  new Set(tables.find((it) => it.name === name)?.figures.map(({ way }) => way));

test('a scenario prints its figures with machine, versions and sizes as one document', async () => {
  const measured = await bench('commit', { fragments: '5,10', rows: 1_000, batch: 100, warmUp: 1, rounds: 2 });
  expect(measured).toMatchObject({ scenario: 'commit', quick: false, sizes: { fragments: [5, 10], rounds: 2 } });
  expect(measured.machine.cores).toBeGreaterThan(0);
  expect(measured.versions).toMatchObject({ node: process.versions.node });
  expect(measured.left_out).toEqual([]);
  expect(measured.tables.map(({ name }) => name)).toEqual(['batch', 'commit']);
  const figures = measured.tables.find(({ name }) => name === 'commit')?.figures ?? [];
  expect(figures.map(({ at, way }) => [at.fragments, way])).toEqual([
    [5, 'segmentd'],
    [5, 'append of LanceDB'],
    [10, 'segmentd'],
    [10, 'append of LanceDB'],
  ]);
  for (const { metrics } of figures) expect(metrics.ms).toMatchObject({ n: 2 });
  expect(figures[1]?.ratios.ms?.median).toBeGreaterThan(0);
});

test('peers take part, or are left out with a sentence', async () => {
  const measured = await bench('indexes', { indexes: 2, rows: 1_000, appended: 100, warmUp: 0, rounds: 1 });
  const ways = waysOf(measured, 'indexes');
  expect(ways).toContain('segmentd');
  if (measured.left_out.length === 0) expect(ways).toContain('pylance segments');
  else expect(measured.left_out.join()).toMatch(/^pylance .* cannot be had here .*\.$/);
});

test('a daemon takes part over a broker', async () => {
  const measured = await bench('tables', { tables: 3, idle: '', rows: 100, appended: 10, warmUp: 0, rounds: 1 });
  expect(waysOf(measured, 'at_once')).toContain('segmentd');
  expect(measured.tables.map(({ name }) => name)).toEqual(['at_once']);
});
