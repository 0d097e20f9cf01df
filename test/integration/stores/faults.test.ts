/** A batch ends in one right version whatever an S3 server answers, and whenever. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asyncLimit } from '../../../src/lib/async-limit.ts';
import type { ObjectStore } from '../../../src/store/object-store.ts';
import type { S3Server } from '../../../testing/stores/s3-access.ts';
import { startS3Server } from '../../../testing/stores/s3-server.ts';
import type { Case, Trouble, Victim } from './fault-cases.ts';
import {
  delayThis,
  FaultyTable,
  MERGED_ALONE,
  MERGED_ALONG,
  nth,
  OF_BATCH,
  OF_PROBE,
  optionsFor,
  TROUBLES,
} from './fault-cases.ts';
import { runEvent, s3Table } from './s3-table.ts';
import { TableWatch, wrongLookups } from './table-watch.ts';

/** Each trouble at each request, which takes some minutes: with SEGMENTD_STORE_FAULTS=all. */
const ALL = process.env.SEGMENTD_STORE_FAULTS === 'all';

let server: S3Server;
beforeAll(async () => {
  server = await startS3Server();
  await server.makeBucket('lake');
});
afterAll(() => server?.stop());

const TABLES_AT_ONCE = 6;
const SLOW_UPLOAD_MS = 300;
/** A minute in the long form, on a machine that is busy with other things. */
const LONG_MS = 300_000;

/** A table that meets one trouble again and again. */
type Plagued = FaultyTable & {
  readonly trouble: Trouble;
  readonly storageOptions: Record<string, string>;
  /** Runs a case and notes what is wrong after it. */
  meets(where: string, victim: Victim, more: Omit<Case, 'victim' | 'trouble'>): Promise<void>;
  note(where: string, faults: readonly string[]): void;
};

/** Runs with a table for each trouble, several at a time, and expects that nothing is wrong in the end. */
async function underEachTrouble(run: (it: Plagued) => Promise<void>): Promise<void> {
  const limit = asyncLimit(TABLES_AT_ONCE);
  const found: string[] = [];
  const troubles = Object.entries(TROUBLES).filter(([, { matters }]) => ALL || matters.length > 0);
  const runs = troubles.map(([name, trouble]) =>
    limit.run(async () => {
      const table = await s3Table(server, ['id']);
      const faulty = new FaultyTable(table, await TableWatch.of(table));
      const note = (where: string, faults: readonly string[]) =>
        found.push(...faults.map((fault) => `${name}, ${where}: ${fault}`));
      await run(
        Object.assign(faulty, {
          trouble,
          storageOptions: optionsFor(trouble),
          async meets(where, victim, more) {
            if (!ALL && !trouble.matters.includes(victim.kind)) return;
            note(where, await faulty.faultsOf({ victim, trouble, ...more }));
          },
          note,
        } satisfies Omit<Plagued, keyof FaultyTable>),
      );
      note('in the end', await wrongLookups(table, server, faulty.appended));
      return faulty.watch.orphans();
    }),
  );
  const left = await Promise.all(runs);
  process.stdout.write(`segments that no version names, by trouble: ${left.join(' ')}\n`);
  expect(found).toEqual([]);
}

test('at any request of a batch', { timeout: LONG_MS }, async () => {
  await underEachTrouble(async ({ table, storageOptions, meets }) => {
    const context = await table.context({}, { storageOptions });
    for (const [name, victim] of Object.entries(OF_BATCH)) await meets(name, victim, { contexts: [context] });
    for (const [name, victim] of Object.entries(OF_PROBE)) {
      // Another set of options is proven anew.
      const unproven = await table.context({}, { storageOptions: { ...storageOptions, user_agent: name } });
      await meets(name, victim, { contexts: [unproven] });
    }
  });
});

/** Runs `meanwhile`, once, where a commit is about to create its version. */
function disturbed(meanwhile: () => (() => Promise<unknown>) | undefined): (store: ObjectStore) => ObjectStore {
  return (store) => ({
    ...store,
    async putIfAbsent(key, parts, after) {
      await after;
      await meanwhile()?.();
      return store.putIfAbsent(key, parts);
    },
  });
}

test('at the commit of a merge, beside other writers, and beside another segmentd', { timeout: LONG_MS }, async () => {
  await underEachTrouble(async (it) => {
    const { table, storageOptions, meets, note, watch } = it;
    let others: (() => Promise<unknown>)[] = [];
    const context = await table.context({}, { storageOptions, wrap: disturbed(() => others.pop()) });
    const twin = await table.context({}, { storageOptions });
    const commit = OF_BATCH['the manifest'];
    await runEvent(context, { table: table.ref, version: await it.append() });

    const along = { contexts: [context], merges: MERGED_ALONG };
    const told = context.lines.length;
    await meets('a merge that lands with a batch', commit, along);
    const events = context.lines.slice(told).map(({ event }) => event);
    if (!events.slice(0, events.indexOf('buildFinished')).includes('mergeStarted'))
      note('merges', ['none with a batch']);
    if (ALL) for (const [name, victim] of Object.entries(OF_BATCH)) await meets(`a merge, ${name}`, victim, along);
    await meets('a merge that lands alone', nth(2, commit), { contexts: [context], merges: MERGED_ALONE });
    if (watch.merges === 0) note('merges', ['none has landed']);

    for (const attempt of [1, 2]) {
      others = [() => it.append()];
      await meets(`attempt ${attempt} beside another writer`, nth(attempt, commit), { contexts: [context] });
      await runEvent(context, { table: table.ref });
      note(`after attempt ${attempt} beside another writer`, await watch.faults());
    }
    await meets('two of segmentd', commit, { contexts: [context, twin] });
  });
});

test('a commit that looks first waits for files that take longer than the look', async () => {
  const table = await s3Table(server, ['id']);
  const it = new FaultyTable(table, await TableWatch.of(table));
  const context = await table.context();
  const merges = { settings: MERGED_ALONG, concurrency: 1 };
  await runEvent(context, { table: table.ref, version: await it.append() });
  table.proxy.inject({
    match(request) {
      if (OF_BATCH['a file of the segment'].matches(request, [])) delayThis(table.proxy, SLOW_UPLOAD_MS);
      return false;
    },
    fault: 'hang',
  });
  await runEvent(context, { table: table.ref, version: await it.append() }, merges);
  expect(context.lines.filter(({ event }) => event === 'replanned')).toEqual([]);
  expect(await it.watch.faults()).toEqual([]);
  expect(it.watch.merges).toBeGreaterThan(0);
  expect(await it.watch.orphans()).toBe(0);
});
