/** Tables on disk whose fragments each have a segment of their own, and a builder that can be held, made to fail and watched. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Subject } from 'rxjs';
import { expect, onTestFinished, vi } from 'vitest';
import { DEFAULT_POLICY } from '../../../src/lance/plan/row-ids.ts';
import type { Build, SegmentBuilder } from '../../../src/lance/segment.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { CompactionBackoff } from '../../../src/merge/compaction-backoff.ts';
import { MergeAlong } from '../../../src/merge/merge-along.ts';
import { mergeOnce, newTableMemory } from '../../../src/merge/merge-once.ts';
import type { MergeSchedule } from '../../../src/merge/merge-schedule.ts';
import type { MergeSettings } from '../../../src/merge/policy/tiered.ts';
import { mergeSegments } from '../../../src/merge/scheduler.ts';
import type { NextRun } from '../../../src/merge/table-queue.ts';
import type { Notification } from '../../../src/model.ts';
import type { PipelineContext } from '../../../src/stages/context.ts';
import type { Batch } from '../../../src/stages/work.ts';
import { localStore } from '../../../src/store/local-store.ts';
import type { ObjectStore } from '../../../src/store/object-store.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import type { ManifestSpec } from '../lance/manifest-fixture.ts';
import { indexEntry, uuidText } from '../lance/manifest-fixture.ts';
import type { TableFolder } from '../lance/table-fixture.ts';
import { tableFolder } from '../lance/table-fixture.ts';
import type { Line, TestContext } from '../stages/context-fixture.ts';
import { batchOf, pendingEvent, tableRef, testContext } from '../stages/context-fixture.ts';

/** Three segments of a tier make a merge due, of three: nine take four merges, the last of them one of results. */
export const SETTINGS: MergeSettings = {
  ...{ floorRows: 10, factor: 3, maxFactor: 3 },
  ...{ maxSegmentRows: 1_000_000, maxSegments: 20 },
};
export const SCHEDULE: MergeSchedule = {
  settings: () => SETTINGS,
  concurrency: 1,
  pauseLagMs: 5_000,
};

/** When every version of the fixture was made. */
export const MADE_MS = 1_700_000_000_250;

/** A version with `segments` fragments, each under a segment of its own, and `missing` further fragments without. */
export function segmented(
  segments: number,
  { version = 1, missing = 0, more = {} as ManifestSpec } = {},
): ManifestSpec {
  return {
    version,
    fragments: Array.from({ length: segments + missing }, (_, id) => ({ id })),
    indexes: Array.from({ length: segments }, (_, id) => ({ uuid: id + 1, fragments: [id] })),
    ...more,
  };
}

/** What happens within each build of a table, before it gives anything. */
export type Before = (table: string, count: number) => unknown;

type WatchedBuilder = SegmentBuilder & {
  /** Tables in the order their builds began. */
  readonly builds: string[];
  /** What they were begun for, as far as they said. */
  readonly purposes: ReadonlySet<string | undefined>;
  /** Most builds at once, of all tables and of any one. */
  readonly peak: { all: number; oneTable: number };
  active(): number;
};

/** Builds segments of three bytes. `names` are those of the tables by where they lie. */
async function watchedBuilder(before: Before, names: ReadonlyMap<string, string>): Promise<WatchedBuilder> {
  const scratch = await tempDir();
  const builds: string[] = [];
  const active: string[] = [];
  const purposes = new Set<string | undefined>();
  const peak = { all: 0, oneTable: 0 };
  let made = 0;
  const make = async (...[manifest, , requests]: Parameters<SegmentBuilder['build']>): Promise<Build> => {
    const first = 500 + 10 * made++;
    const segments = requests.map(async (request, at) => {
      const folder = join(scratch, `${first + at}`);
      await mkdir(folder);
      await writeFile(join(folder, 'page_data.lance'), 'xyz');
      const { index: name, fieldId } = request;
      const metadata = indexEntry({ uuid: first + at, name, fields: [fieldId], fragments: [...request.fragments] });
      const files = [{ path: 'page_data.lance', bytes: 3 }];
      return { ...request, uuid: uuidText(first + at), metadata, files, folder, buildMs: 1 };
    });
    return { manifest, segments: await Promise.all(segments), [Symbol.asyncDispose]: async () => undefined };
  };
  return {
    builds,
    purposes,
    peak,
    active: () => active.length,
    async build(...args) {
      const table = names.get(args[1].uri) as string;
      builds.push(table);
      purposes.add(args[3]);
      active.push(table);
      peak.all = Math.max(peak.all, active.length);
      peak.oneTable = Math.max(peak.oneTable, active.filter((it) => it === table).length);
      try {
        await before(table, builds.filter((it) => it === table).length);
        return await make(...args);
      } finally {
        active.splice(active.indexOf(table), 1);
      }
    },
  };
}

export type Merging = {
  readonly context: TestContext;
  readonly folders: Readonly<Record<string, TableFolder>>;
  readonly builder: WatchedBuilder;
  readonly notices: Notification[];
  readonly along: MergeAlong;
  /** One run of the table beside the scheduler; what is known of the table is kept from run to run. */
  once(table: string): Promise<NextRun>;
  /** A batch of the table has just been covered. */
  covered(table: string, batch?: Batch): void;
  /** Log lines of one event, of one table. */
  lines(event: string, table?: string): Line[];
  /** Uuids of the segments in the latest version. */
  segments(table: string): Promise<string[]>;
  /** Ends the source and resolves when the merging has completed; rejects with what ended it. */
  end(): Promise<void>;
  unsubscribe(): void;
  /** Resolves when the merging has ended by itself; rejects with what ended it. */
  readonly ended: Promise<void>;
};

/** Merging at work over tables of their own. */
export async function merging(
  tables: Readonly<Record<string, ManifestSpec>>,
  {
    before = () => undefined,
    schedule: change = {},
    context: more = {},
    storeOf = localStore,
  }: {
    before?: Before;
    schedule?: Partial<MergeSchedule>;
    context?: Partial<PipelineContext>;
    /** The store of a folder. */
    storeOf?: (root: string) => ObjectStore;
  } = {},
): Promise<Merging> {
  const folders: Record<string, TableFolder> = {};
  for (const [name, spec] of Object.entries(tables)) folders[name] = await tableFolder(spec);
  const opened = new Map(
    Object.entries(folders).map(([name, { root }]) => [tableRef(name).uri, new LanceTable(storeOf(root))]),
  );
  const names = Object.entries(folders).map(([name, { root }]) => [root, name] as const);
  const builder = await watchedBuilder(before, new Map(names));
  const notices: Notification[] = [];
  const context = testContext({
    tables: { open: (uri) => opened.get(uri) as LanceTable, policy: () => DEFAULT_POLICY },
    builder,
    notify: (notice) => notices.push(notice),
    ...more,
  });
  const memories = new Map(Object.keys(tables).map((name) => [name, newTableMemory()]));
  const schedule = { ...SCHEDULE, ...change };
  const along = new MergeAlong(context, schedule);
  const room = { compactions: new CompactionBackoff(), along };
  const source = new Subject<Batch>();
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  ended.catch(() => undefined);
  const subscription = source
    .pipe(mergeSegments(context, schedule, along))
    .subscribe({ error: reject, complete: resolve });
  onTestFinished(() => subscription.unsubscribe());
  return {
    context,
    folders,
    builder,
    notices,
    along,
    ended,
    unsubscribe: () => subscription.unsubscribe(),
    once: (table) => {
      const memory = memories.get(table) ?? newTableMemory();
      return mergeOnce(context, schedule, tableRef(table), memory, room);
    },
    covered: (table, batch = batchOf([pendingEvent(0, table)])) => source.next(batch),
    lines: (event, table) =>
      context.lines.filter((it) => it.event === event && (!table || it.table === `lake/${table}`)),
    segments: async (table) =>
      (await new LanceTable(localStore((folders[table] as TableFolder).root)).latest()).indexes.map(({ uuid }) => uuid),
    end: () => {
      source.complete();
      return ended;
    },
  };
}

/** Resolves when nothing is due any more in the table. */
export async function nothingDue({ lines }: Merging, table: string): Promise<void> {
  await vi.waitFor(() => expect(lines('mergesPlanned', table).at(-1)).toMatchObject({ pending: 0 }), WAIT);
}

export const WAIT = { timeout: 4_000, interval: 2 };
