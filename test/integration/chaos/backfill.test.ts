import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Manifest } from '../../../src/lance/codec/manifest.ts';
import { verifyTable } from '../../../src/lance/inspect/verify-table.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { localStore } from '../../../src/store/local-store.ts';
import { segmentd } from '../../../testing/cli.ts';
import { makeUnindexed } from '../../../testing/unindexed-table.ts';
import { covered, until } from '../e2e/world.ts';
import type { Turmoil } from './group-in-turmoil.ts';
import { startGroup } from './group-in-turmoil.ts';
import { startMember } from './member.ts';
import { lagOf, makeRoughWorld, sumOf } from './rough-world.ts';

/** Enough to kill members while it runs. The target is 20,000,000. */
const ROWS = Number(process.env.CHAOS_BACKFILL_ROWS ?? 600_000);
const KILLS = Number(process.env.CHAOS_BACKFILL_KILLS ?? 2);
const FRAGMENTS = 120;
const PARTS = 60;
const COLUMNS = ['id', 'name'];
const POLL_MS = 5;
const PATIENCE_MS = 240_000;
const SAMPLES_PER_COLUMN = 10;

const segmentsOf = ({ indexes }: Manifest) => indexes.map(({ uuid }) => uuid);

/** Of the fragments, how many both indexes cover. */
function coveredShare({ fragments, indexes }: Manifest): number {
  const counts = COLUMNS.map((column) =>
    indexes.filter(({ name }) => name === `${column}_idx`).reduce((sum, it) => sum + (it.fragments?.length ?? 0), 0),
  );
  return Math.min(...counts) / fragments.length;
}

/** Kills a member whenever so much is covered, and starts another. Gives what was covered just before each. */
async function killAlong(table: LanceTable, turmoil: Turmoil, configFile: string, shares: readonly number[]) {
  const { running, counts } = turmoil;
  const seen: Manifest[] = [];
  for (const share of shares) {
    let manifest = await table.latest();
    await until(
      `${share} is covered`,
      async () => {
        // More often than `until` looks: a few commits are all the time there is.
        for (let looks = 0; looks < 10 && coveredShare(manifest) < share; looks++) {
          await sleep(POLL_MS);
          manifest = await table.latest();
        }
        return coveredShare(manifest) >= share;
      },
      PATIENCE_MS,
    );
    seen.push(manifest);
    const members = [...running];
    const victim = members[Math.floor(Math.random() * members.length)];
    if (!victim) throw new Error('no member is left to be killed');
    running.delete(victim);
    counts.kill++;
    await victim.end('SIGKILL');
    expect(coveredShare(await table.latest())).toBeLessThan(1);
    running.add(await startMember(configFile));
  }
  return seen;
}

test('members are killed in the middle of a backfill, and what they had finished stays', {
  timeout: 2 * PATIENCE_MS,
}, async () => {
  const options = { merge: { concurrency: 0 }, batch: { max_rows: Math.ceil(ROWS / PARTS) } };
  const world = await makeRoughWorld({ partitions: 12, options });
  await makeUnindexed(world.database, 'people', { rows: ROWS, fragments: FRAGMENTS, columns: COLUMNS });
  const turmoil = await startGroup(world, 2);
  const table = new LanceTable(localStore(world.tableFolder('people')));
  const args = ['backfill', 'db/people', '-c', world.configFile, '--no-wait'];
  const asked = await segmentd([...args, '--rows-per-segment', String(Math.ceil(ROWS / PARTS))]);
  expect([asked.code, asked.stdout]).toEqual([0, expect.stringContaining(`in ${PARTS} events`)]);

  const shares = Array.from({ length: KILLS }, (_, at) => (at + 0.2 + 0.6 * Math.random()) / KILLS);
  const seen = await killAlong(table, turmoil, world.configFile, shares);

  await until('it is covered', () => covered(world, 'people'), PATIENCE_MS);
  await until('all is committed', async () => (await lagOf(world)) === 0, PATIENCE_MS);
  const manifest = await table.latest();
  // Segments that were there when a member was killed are there still, and nothing is covered twice.
  for (const then of seen) expect(segmentsOf(manifest)).toEqual(expect.arrayContaining(segmentsOf(then)));
  for (const column of COLUMNS) {
    const own = manifest.indexes.filter(({ name }) => name === `${column}_idx`);
    const ids = own.flatMap(({ fragments }) => Array.from(fragments ?? []));
    expect(ids.sort((a, b) => a - b)).toEqual(Array.from(manifest.fragments.ids));
  }
  const { findings } = await verifyTable(table, SAMPLES_PER_COLUMN);
  expect(findings).toEqual([]);
  for (const member of turmoil.running) {
    await member.untilReady();
    expect(sumOf(await member.metrics(), 'segmentd_dead_letters_total')).toBe(0);
    expect(await member.end()).toBe(0);
  }
});
