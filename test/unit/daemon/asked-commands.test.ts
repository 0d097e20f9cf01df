import { describe, expect, test } from 'vitest';
import { AskedWork } from '../../../src/control/asked-work.ts';
import { parseCommand } from '../../../src/control/commands.ts';
import { askWork, beginWork, readTo } from '../../../src/daemon/asked-commands.ts';
import { DEFAULT_POLICY } from '../../../src/lance/plan/row-ids.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import type { AskedMerge } from '../../../src/merge/asked-merge.ts';
import { localStore } from '../../../src/store/local-store.ts';
import type { ManifestSpec } from '../lance/manifest-fixture.ts';
import { tableFolder } from '../lance/table-fixture.ts';
import { SCHEDULE, segmented } from '../merge/merging-fixture.ts';
import { tableRef, testContext } from '../stages/context-fixture.ts';

const TABLE = tableRef('a');
const ON = { everyMs: 3_600_000, smallFragments: null, deletedFraction: null, keepVersionsMs: 1, maxMemoryBytes: 1 };

/** A member that is asked. `owner`: whose the table is; `topic`: whether there is a control topic. */
async function member(
  spec: ManifestSpec,
  { owner = 'me', topic = true, everyMs = ON.everyMs as number | null, concurrency = 1 } = {},
) {
  const lance = new LanceTable(localStore((await tableFolder(spec)).root));
  const context = testContext({ tables: { open: () => lance, policy: () => DEFAULT_POLICY } });
  const merges = { ...SCHEDULE, concurrency, asked: new AskedWork<AskedMerge>() };
  const maintenance = { settings: () => ({ ...ON, everyMs }), asked: new AskedWork<true>() };
  const parts = { context, merges, maintenance };
  const begin = beginWork(parts);
  const sent: ReturnType<typeof parseCommand>[] = [];
  const send = async ({ value }: { value: Buffer }) => void sent.push(parseCommand(value));
  const ownership = { known: owner !== 'unknown', isOwner: () => owner === 'me' };
  const ask = askWork(parts, { begin }, { ownership, send: topic ? send : null });
  return { ask, context, merges, maintenance, sent };
}

const BY = { by: 'http 1.2.3.4' };

describe('merge', () => {
  test('begins what the policy would merge, and says of it what is under way already', async () => {
    const { ask, merges, context } = await member(segmented(9));
    expect(await ask('merge', TABLE, BY)).toMatchObject({
      table: 'lake/a',
      paused: false,
      work: { command: 'merge', outcome: 'begun', to: null, merges: [{ index: 'id_idx', segments: 9, rows: 900 }] },
    });
    expect(merges.asked.of('lake/a')).toEqual({ to: null, runs: null });
    expect(await ask('merge', TABLE, { ...BY, to: 1 })).toMatchObject({ work: { outcome: 'under_way' } });
    expect(merges.asked.of('lake/a')).toMatchObject({ to: null });
    expect(context.lines.filter(({ event }) => event === 'workAsked')).toMatchObject([
      { table: 'lake/a', command: 'merge', by: 'http 1.2.3.4' },
    ]);
  });

  test('begins nothing where nothing is due, unless fewer segments are asked for', async () => {
    const { ask, merges } = await member(segmented(2));
    expect(await ask('merge', TABLE, BY)).toMatchObject({ work: { outcome: 'nothing_due', merges: [] } });
    expect(merges.asked.of('lake/a')).toBeUndefined();
    expect(await ask('merge', TABLE, { ...BY, to: 1 })).toMatchObject({
      work: { outcome: 'begun', to: 1, merges: [{ segments: 2 }] },
    });
  });

  test('is refused where merging is off', async () => {
    const { ask } = await member(segmented(9), { concurrency: 0 });
    await expect(ask('merge', TABLE, BY)).rejects.toMatchObject({ code: 'merging_off' });
  });
});

describe('optimize', () => {
  test('begins a run, or one that waits for the coverage', async () => {
    const covered = await member(segmented(3));
    expect(await covered.ask('optimize', TABLE, BY)).toMatchObject({
      work: { command: 'optimize', outcome: 'begun', compaction: { fragments_removed: 3, fragments_added: 1 } },
    });
    expect(covered.maintenance.asked.of('lake/a')).toBe(true);
    expect(await covered.ask('optimize', TABLE, BY)).toMatchObject({ work: { outcome: 'under_way' } });
    const missing = await member(segmented(3, { missing: 1 }));
    expect(await missing.ask('optimize', TABLE, BY)).toMatchObject({ work: { outcome: 'waits' } });
  });

  test('is refused where there is no housekeeping', async () => {
    const { ask, maintenance } = await member(segmented(3), { everyMs: null });
    await expect(ask('optimize', TABLE, BY)).rejects.toMatchObject({ code: 'maintenance_off' });
    expect(maintenance.asked.of('lake/a')).toBeUndefined();
  });
});

describe.each(['merge', 'optimize'] as const)('%s', (command) => {
  test.each(['me', 'another'])('is refused for a table that must not be touched, which %s owns', async (owner) => {
    const paused = await member(segmented(9), { owner });
    paused.context.pauses.pause('lake/a', 'me');
    await expect(paused.ask(command, TABLE, BY)).rejects.toMatchObject({ code: 'table_paused' });
    const newer = await member(segmented(9, { more: { writerFlags: 1n << 40n } }), { owner });
    await expect(newer.ask(command, TABLE, BY)).rejects.toMatchObject({ code: 'table_unknown_writer_flag' });
    const damaged = await member(segmented(9), { owner });
    damaged.context.states.declined('lake/a', { code: 'table_data_file_missing', message: 'gone' });
    await expect(damaged.ask(command, TABLE, BY)).rejects.toMatchObject({ code: 'table_data_file_missing' });
    expect([paused, newer, damaged].flatMap(({ sent }) => sent)).toEqual([]);
  });

  test('is sent on to the member that owns the table', async () => {
    const { ask, sent, merges, maintenance } = await member(segmented(9), { owner: 'another' });
    expect(await ask(command, TABLE, BY)).toMatchObject({ work: { command, outcome: 'sent' } });
    expect(sent).toMatchObject([{ command, table: 'lake/a', by: 'http 1.2.3.4' }]);
    expect([merges.asked.of('lake/a'), maintenance.asked.of('lake/a')]).toEqual([undefined, undefined]);
  });

  test('is refused where it cannot be sent on, and where the owner is not known', async () => {
    const alone = await member(segmented(9), { owner: 'another', topic: false });
    await expect(alone.ask(command, TABLE, BY)).rejects.toMatchObject({ code: 'owner_elsewhere' });
    const early = await member(segmented(9), { owner: 'unknown' });
    await expect(early.ask(command, TABLE, BY)).rejects.toMatchObject({ code: 'owner_unknown', retry: 'backoff' });
  });
});

test('a merge that finds nothing to do is not sent on; one to fewer segments is, with their number', async () => {
  const { ask, sent } = await member(segmented(2), { owner: 'another' });
  expect(await ask('merge', TABLE, BY)).toMatchObject({ work: { outcome: 'nothing_due' } });
  await ask('merge', TABLE, { ...BY, to: 1 });
  expect(sent).toMatchObject([{ command: 'merge', to: 1 }]);
});

test('the number of segments of a merge is a whole one', () => {
  expect([readTo(null), readTo('3'), readTo('1000000')]).toEqual([undefined, 3, 1_000_000]);
  for (const to of ['0', '-1', '1.5', '', 'all', '1000001', '99999999']) {
    expect(() => readTo(to)).toThrow(expect.objectContaining({ code: 'command_invalid' }));
  }
});
