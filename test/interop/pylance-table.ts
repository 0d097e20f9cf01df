/** A table that one version of pylance makes and maintains. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { findPylance } from '../../testing/pylance.ts';
import { TableUnderTest } from './table-under-test.ts';
import type { NewTable } from './tables.ts';
import type { Worker } from './worker.ts';
import { startWorker } from './worker.ts';

/** Installing takes as long as the network does. */
const INSTALL_MS = 600_000;

/** Tables for the tests of a file or a block, all worked on by one process; everything goes with the last test. */
export function tablesOfPylance(version: string): NewTable {
  let worker: Worker | undefined;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'segmentd-interop-'));
    const pylance = await findPylance(version);
    if (pylance !== undefined) worker = startWorker(pylance);
  }, INSTALL_MS);

  afterAll(async () => {
    await worker?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  return async () => worker && new TableUnderTest(worker, await mkdtemp(join(folder, 'database-')));
}

/** One filter, as pylance and LanceDB answer it by index and by scan. */
export type Answers = {
  readonly filter: string;
  readonly indexed: number;
  readonly scanned: number;
  readonly uses_index: boolean;
};

/** What pylance answers, as `filter: rows by the index, rows by a scan`; says so where the index takes no part. */
export async function answersOf(table: TableUnderTest, filters: readonly string[]): Promise<string[]> {
  const answers = await table.ask<Answers[]>('compare', { filters });
  return answers.map(
    ({ filter, indexed, scanned, uses_index }) =>
      `${filter}: ${indexed} by index, ${scanned} by scan${uses_index ? '' : ', without the index'}`,
  );
}
