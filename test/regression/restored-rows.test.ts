/**
 * A segment built while a row was deleted does not know the row. When the table was then restored to a version that has it,
 * the commit found the fragment with the same data file and covered it: lookups of the row through the index found nothing.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { connect, Index } from '@lancedb/lancedb';
import { expect, onTestFinished, test } from 'vitest';
import { commitChange } from '../../src/lance/commit/commit-change.ts';
import type { CommitRequest } from '../../src/lance/commit/commit-request.ts';
import { uploadSegments } from '../../src/lance/commit/upload.ts';
import { lanceSegmentBuilder } from '../../src/lance/engine/segment-builder.ts';
import { DEFAULT_POLICY } from '../../src/lance/plan/row-ids.ts';
import { planTable } from '../../src/lance/plan/table-plan.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { localStore } from '../../src/store/local-store.ts';
import { people } from '../../testing/people.ts';
import { tempDir } from '../../testing/temp-dir.ts';

const SETTINGS = { maxAttempts: 3, initialBackoffMs: 1, writer: { library: 'segmentd', version: '0.0.0' } };
const LIMITS = { maxRows: 1_000_000, maxFragments: 100 };

test('rows that a restore brings back under a build are found', async () => {
  const home = await tempDir();
  const connection = await connect(join(home, 'db'));
  const theirs = await connection.createTable('people', people(0, 10));
  onTestFinished(() => {
    theirs.close();
    connection.close();
  });
  await theirs.createIndex('id', { config: Index.btree() });
  await theirs.add(people(10, 10));
  const whole = await theirs.version();
  await theirs.delete('id = 13');

  const table = new LanceTable(localStore(join(home, 'db', 'people.lance')));
  const manifest = await table.latest();
  const { requests } = planTable(manifest, DEFAULT_POLICY, LIMITS);
  await using build = await lanceSegmentBuilder(join(home, 'scratch')).build(manifest, table.place(), requests);
  await theirs.checkout(whole);
  await theirs.restore();

  const { durable } = await uploadSegments(table.store, build.segments);
  const change: Omit<CommitRequest, 'transactionUuid'> = {
    base: manifest,
    addSegments: build.segments,
    removeSegments: [],
    durable,
    properties: {},
  };
  const outcome = await commitChange(table, { ...change, transactionUuid: randomUUID() }, SETTINGS);
  expect(outcome).toMatchObject({ kind: 'rejected', cause: 'nothing_left' });
  expect(await theirs.countRows('id = 13')).toBe(1);
});
