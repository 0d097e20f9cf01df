/** Lookups in tables that differ in the segments of their index alone. */
import type { Connection } from '@lancedb/lancedb';
import { connect } from '@lancedb/lancedb';
import { requestFor } from '../../src/lance/plan/next-segments.ts';
import { DEFAULT_POLICY } from '../../src/lance/plan/row-ids.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { planMerges } from '../../src/merge/merge-plan.ts';
import { mergeTable } from '../../src/merge/merge-table.ts';
import { planMergeTo } from '../../src/merge/policy/reduce-to.ts';
import { localStore } from '../../src/store/local-store.ts';
import { folderOf } from '../../testing/unindexed-table.ts';
import type { Way } from '../harness/rounds.ts';
import { COMMIT } from './index-once.ts';
import type { Keys } from './lookups.ts';
import { copyTable, KINDS, lookUp } from './lookups.ts';
import { openBuilder } from './open-builder.ts';

export const REBUILT = 'rebuilt';

export type LookupWay = {
  readonly name: string;
  /** Of the table, in the database of the connection. */
  readonly table: string;
  readonly segments: number;
  readonly keys: Keys;
  /** As of a way. */
  readonly rounds?: number | undefined;
};

/** Checked lookups of each kind in a table. */
export async function lookupWay(
  connection: Connection,
  { name, table, segments, keys, rounds }: LookupWay,
): Promise<Way> {
  const opened = await connection.openTable(table);
  let isWarm = false;
  return {
    name,
    ...(rounds !== undefined && { rounds }),
    async round() {
      // All pages of all segments into the cache: else a lookup's time is that of reading the pages that no other touched before.
      if (!isWarm) await opened.countRows('key >= 0');
      isWarm = true;
      // Not timed: the first lookup pays for what the one on the table before it left in the processor's caches.
      await lookUp(opened, 'point', keys);
      const ms: Record<string, number> = {};
      for (const kind of KINDS) ms[kind] = await lookUp(opened, kind, keys);
      return { ...ms, segments };
    },
  };
}

/** The first lookup of a new connection, each time: it opens the segments. Files are in the page cache. */
export const coldLookupWay = (database: string, { name, table, keys }: Omit<LookupWay, 'segments'>): Way => ({
  name,
  async round() {
    const connection = await connect(database);
    const opened = await connection.openTable(table);
    const point = await lookUp(opened, 'point', keys);
    opened.close();
    connection.close();
    return { point };
  },
});

/** Positions of fragments in the list of the manifest: those of one segment. */
export type Group = ArrayLike<number>;

/** So many groups of neighbours, of about the same size. */
export function equalGroups(fragments: number, groups: number): number[][] {
  const each = Math.ceil(fragments / groups);
  return Array.from({ length: Math.ceil(fragments / each) }, (_, at) =>
    Array.from({ length: Math.min(each, fragments - at * each) }, (__, within) => at * each + within),
  );
}

/** A copy of the table under another name in the same database, whose only index has a segment for each group of fragments. */
export async function copyWithSegments(
  database: string,
  from: string,
  name: string,
  groups: readonly Group[],
): Promise<void> {
  await copyTable(folderOf(database, from), folderOf(database, name), 1);
  const table = new LanceTable(localStore(folderOf(database, name)));
  const manifest = await table.latest();
  const { ids, rows } = manifest.fragments;
  const [state] = planMerges(manifest, DEFAULT_POLICY, (segments) => planMergeTo(segments, 1)).states;
  if (!state) throw new Error('the table has no index');
  const requests = groups.map((group) =>
    requestFor(
      state,
      Uint32Array.from(group, (position) => ids[position] as number),
      Array.from(group).reduce((sum, position) => sum + (rows[position] as number), 0),
    ),
  );
  const remove = state.segments.map(({ uuid }) => uuid);
  const result = await mergeTable(
    table,
    manifest,
    { requests, remove },
    {
      builder: await openBuilder(database),
      commit: COMMIT,
      properties: {},
      withSlot: (land) => land(),
    },
  );
  if (result.kind !== 'landed') throw new Error(`the segments of ${name} were rejected: ${result.cause}`);
}
