/** What polling asks of a store: each request to an object store takes a round trip and is paid for. */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { Index } from '@lancedb/lancedb';
import { NEVER } from 'rxjs';
import { expect, test, vi } from 'vitest';
import { sweep } from '../../../src/control/sweep.ts';
import { DEFAULT_POLICY } from '../../../src/lance/plan/row-ids.ts';
import { openTableCache } from '../../../src/lance/table/table-cache.ts';
import type { TableRef } from '../../../src/model.ts';
import { pipeline } from '../../../src/pipeline.ts';
import type { ObjectStore } from '../../../src/store/object-store.ts';
import { openStore } from '../../../src/store/open-store.ts';
import { realTable } from '../../../testing/lance-table.ts';
import { LONG } from '../../../testing/long.ts';
import { people } from '../../../testing/people.ts';
import { testContext } from '../../unit/stages/context-fixture.ts';

const TABLES = LONG ? 1_000 : 200;
const REQUESTS = ['list', 'folders', 'survey', 'stat', 'read', 'putIfAbsent', 'put', 'remove'] as const;

/** A folder that lists as an object store does, in order, and counts its requests by table. */
function counted(uri: string, count: (table: string, request: string) => void): ObjectStore {
  const store = openStore(uri);
  const ordered: Pick<ObjectStore, 'list'> = {
    async list(folder, limit) {
      const all = (await store.list(folder)).sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, limit);
      return Promise.all(
        all.map(async ({ name }) => {
          const stat = await store.stat(`${folder}/${name}`);
          return { name, ...(stat && { stat }) };
        }),
      );
    },
  };
  return new Proxy(store, {
    get(target, name) {
      if (name === 'remote' || name === 'listsInOrder') return true;
      const value: unknown = name === 'list' ? ordered.list : Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (!REQUESTS.includes(name as (typeof REQUESTS)[number])) return value.bind(target);
      return (...given: unknown[]) => {
        count(uri, String(name));
        return Reflect.apply(value, target, given);
      };
    },
  });
}

test('tables that have not changed cost a request each per sweep, and no more', async () => {
  const { uri, database, table } = await realTable(people(0, 50));
  await table.createIndex('id', { config: Index.btree() });
  const names = Array.from({ length: TABLES }, (_, at) => `t${at}`);
  for (const name of names) await cp(uri, join(database, `${name}.lance`), { recursive: true });
  const refs: TableRef[] = names.map((name) => {
    return { id: `lake/${name}`, database: 'lake', name, uri: join(database, `${name}.lance`) };
  });

  let requests = new Map<string, string[]>();
  const count = (at: string, request: string) => requests.set(at, [...(requests.get(at) ?? []), request]);
  const tables = openTableCache(
    (at) => counted(at, count),
    () => DEFAULT_POLICY,
  );
  const context = testContext({ tables });
  const sweeps: Map<string, string[]>[] = [];
  const refreshRequests = sweep({
    intervalMs: 1_000,
    ready: async () => undefined,
    owns: () => true,
    async tables() {
      // What the one before has asked: all of it is answered, since a sweep waits 5 ms for each table.
      sweeps.push(requests);
      requests = new Map();
      return refs;
    },
  });
  const merges = {
    settings: () => ({ floorRows: 1, factor: 7, maxFactor: 64, maxSegmentRows: 1e9, maxSegments: 20 }),
    ...{ concurrency: 1, pauseLagMs: 5_000 },
  };
  const running = pipeline(NEVER, context, { refreshRequests, merges }).subscribe({
    error: (error) => expect.unreachable(error),
  });
  try {
    await vi.waitFor(() => expect(sweeps.length).toBeGreaterThan(LONG ? 4 : 3), { timeout: 90_000, interval: 200 });
  } finally {
    running.unsubscribe();
  }
  // The first look reads the manifests.
  for (const each of sweeps.slice(2)) {
    expect(each.size).toBe(TABLES);
    const asked = new Set([...each.values()].map((all) => all.join()));
    expect(asked).toEqual(new Set(['list']));
  }
  expect(context.lines.filter(({ level }) => level === 'info')).toHaveLength(0);
});
