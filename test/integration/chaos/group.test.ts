import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { connect, Index } from '@lancedb/lancedb';
import { expect, onTestFinished, test } from 'vitest';
import { verifyTable } from '../../../src/lance/inspect/verify-table.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { localStore } from '../../../src/store/local-store.ts';
import { people } from '../../../testing/people.ts';
import type { World } from '../e2e/world.ts';
import { covered, until } from '../e2e/world.ts';
import { startGroup, stirUp } from './group-in-turmoil.ts';
import { committedEarly, readEvents, watchProgress } from './progress.ts';
import { adminOf, lagOf, makeRoughWorld, SESSION_MS } from './rough-world.ts';

/** Half a minute has a dozen changes of the group, as many as have room at this session time-out. Set it higher to soak. */
const SECONDS = Number(process.env.CHAOS_SECONDS ?? 30);
const PAUSE_MS = (2 / 3) * SESSION_MS;
const TABLES = 60;
const PARTITIONS = 12;
const FIRST_ROWS = 50;
const APPEND_ROWS = 5;
const WRITER_PAUSE_MS = 60;
const SAMPLE_MS = 500;
const SAMPLES_PER_COLUMN = 2;

const NAMES = Array.from({ length: TABLES }, (_, at) => `t${at}`);

/** Every other table has an index on both columns, the rest on one. */
async function makeTables({ database }: World): Promise<void> {
  const connection = await connect(database);
  for (const [at, name] of NAMES.entries()) {
    const table = await connection.createTable(name, people(0, FIRST_ROWS));
    for (const column of at % 2 === 0 ? ['id', 'name'] : ['id']) {
      await table.createIndex(column, { config: Index.btree() });
    }
    table.close();
  }
  connection.close();
}

/** Starts the writer; calling the answer ends it and gives the number of its appends. */
function startWriter({ database, settings }: World): () => Promise<number> {
  const script = fileURLToPath(new URL('chaos-writer.ts', import.meta.url));
  const args = [script, database, TABLES, settings.brokers.join(), settings.topic, 1_000, APPEND_ROWS, WRITER_PAUSE_MS];
  const writer = spawn(process.execPath, args.map(String), { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void writer.kill('SIGKILL'));
  const printed = text(writer.stdout);
  const exit = once(writer, 'exit');
  return async () => {
    writer.stdin.end();
    await exit;
    expect(writer.exitCode).toBe(0);
    return Number(await printed);
  };
}

test(
  'members are killed, stopped and added while sixty tables grow, and nothing is lost or committed early',
  async () => {
    const world = await makeRoughWorld({ partitions: PARTITIONS });
    await makeTables(world);
    const turmoil = await startGroup(world, 3);
    const watch = watchProgress(world, await adminOf(world.settings), NAMES, SAMPLE_MS);
    const endWriter = startWriter(world);
    await stirUp(world, turmoil, SECONDS * 1_000, PAUSE_MS);
    const appends = await endWriter();
    await until('all is committed', async () => (await lagOf(world)) === 0, 120_000);
    await watch.stop();

    for (const member of turmoil.running) expect(await member.end()).toBe(0);
    expect(turmoil.stopped.every((code) => code === 0)).toBe(true);
    const { add, kill, stop } = turmoil.counts;
    expect(add * kill * stop).toBeGreaterThan(0);

    const events = await readEvents(world, appends);
    expect(events.length).toBe(appends);
    expect(await committedEarly(world, watch.samples, events)).toEqual([]);
    // The look back would have found one: with the offsets of the end, what was missing in between is early.
    const [{ committed } = { committed: new Map() }] = watch.samples.slice(-1);
    const spoilt = watch.samples.map(({ missing }) => ({ committed, missing }));
    expect((await committedEarly(world, spoilt, events)).length).toBeGreaterThan(0);
    await everyTableIsRight(world, appends);
  },
  (SECONDS + 240) * 1_000,
);

async function everyTableIsRight(world: World, appends: number): Promise<void> {
  let rows = 0;
  for (const name of NAMES) {
    expect([name, await covered(world, name)]).toEqual([name, true]);
    const { findings } = await verifyTable(new LanceTable(localStore(world.tableFolder(name))), SAMPLES_PER_COLUMN);
    expect([name, findings]).toEqual([name, []]);
    rows += (await world.facts(name)).rows;
  }
  expect(rows).toBe(TABLES * FIRST_ROWS + appends * APPEND_ROWS);
}
