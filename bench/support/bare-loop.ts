/**
 * The least that can follow the appends of tables, as a process of its own: a consumer of the client library, the work, one batch of a table after the
 * other, and the merges that are due by then, one at a time. Nothing is acknowledged, counted, logged or kept for a status, and nobody else has a say.
 *
 *   node bench/support/bare-loop.ts <config file> <home>
 *
 * Prints a line of JSON once it has joined its group, and one for each version that the indexes of a table cover: since when, in milliseconds since the
 * epoch, and how many conflicts with other commits there were so far.
 */
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../src/config/load.ts';
import { kafkaSettings } from '../../src/daemon/kafka-settings.ts';
import { mergeSchedule } from '../../src/daemon/pipeline-context.ts';
import { CLIENT_RETRY, openClient } from '../../src/kafka/client.ts';
import { applyBuild } from '../../src/lance/commit/apply-build.ts';
import type { CommitOutcome } from '../../src/lance/commit/commit-request.ts';
import { buildUnlessStale } from '../../src/lance/engine/build-unless-stale.ts';
import { lanceSegmentBuilder } from '../../src/lance/engine/segment-builder.ts';
import { DEFAULT_POLICY } from '../../src/lance/plan/row-ids.ts';
import { planTable } from '../../src/lance/plan/table-plan.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { openScratch } from '../../src/lib/scratch.ts';
import { planMerges } from '../../src/merge/merge-plan.ts';
import { mergeTable } from '../../src/merge/merge-table.ts';
import { LOOKAHEAD, planAhead } from '../../src/merge/policy/tiered.ts';
import type { TableRef } from '../../src/model.ts';
import { localStore } from '../../src/store/local-store.ts';
import { ALL_AT_ONCE, COMMIT } from './index-once.ts';

export type BareLine =
  | { readonly joined: true }
  | { readonly table: string; readonly version: number; readonly ms: number; readonly conflicts: number };

const [file = '', home = ''] = process.argv.slice(2);
const config = loadConfig({ file, env: {}, cwd: process.cwd() });
const schedule = mergeSchedule(config);
const scratch = await openScratch(join(home, `bare-${randomUUID()}`));
process.once('exit', () => rmSync(scratch.memoryDir ?? scratch.dir, { recursive: true, force: true }));
const builder = lanceSegmentBuilder(scratch.dir, { memoryDir: scratch.memoryDir, mergesApart: true });
let conflicts = 0;
const commit = {
  ...COMMIT,
  ...{ maxAttempts: config.commit.max_attempts, initialBackoffMs: config.commit.backoff_ms },
  onOutcome: (outcome: CommitOutcome) => {
    conflicts += outcome.conflicts;
  },
};

const say = (line: BareLine) => process.stdout.write(`${JSON.stringify(line)}\n`);

type Followed = {
  readonly ref: TableRef;
  readonly lance: LanceTable;
  /** The newest version that was announced and is not looked at yet. */
  announced: number | null;
  atWork: boolean;
  isMerging: boolean;
};

/** Until nothing is missing of what has been announced so far. */
async function follow(table: Followed): Promise<void> {
  for (let { announced } = table; announced !== null; { announced } = table) {
    table.announced = null;
    const manifest = await table.lance.latest({ announced });
    const { requests } = planTable(manifest, DEFAULT_POLICY, ALL_AT_ONCE);
    const build = requests.length > 0 ? await buildUnlessStale(builder, table.lance, manifest, requests) : null;
    const done = build && (await applyBuild(table.lance, build, { replaces: [], properties: {} }, commit));
    const { version } = manifest;
    if (done?.kind === 'committed') say({ table: table.ref.id, version, ms: done.landedAtMs, conflicts });
    else if (requests.length === 0) say({ table: table.ref.id, version, ms: Date.now(), conflicts });
    else table.announced ??= announced;
    if (build) setImmediate(() => void build[Symbol.asyncDispose]());
    if (!table.isMerging) void merge(table);
  }
}

/** Until no merge is due. */
async function merge(table: Followed): Promise<void> {
  table.isMerging = true;
  try {
    for (;;) {
      const manifest = await table.lance.latest({ recent: true });
      const plan = planMerges(manifest, DEFAULT_POLICY, (segments, kind) =>
        planAhead(segments, schedule.settings(table.ref, kind), LOOKAHEAD),
      );
      if (plan.merges.length === 0) return;
      const withSlot = <T>(land: () => Promise<T>) => land();
      await mergeTable(table.lance, manifest, plan, { builder, commit, properties: {}, withSlot });
    }
  } finally {
    table.isMerging = false;
  }
}

const tables = new Map<string, Followed>();

function tableOf(id: string): Followed {
  const [database = '', name = ''] = id.split('/');
  const uri = join(config.databases[database]?.uri ?? '', `${name}.lance`);
  const ref = { id, database, name, uri };
  return { ref, lance: new LanceTable(localStore(uri)), announced: null, atWork: false, isMerging: false };
}

function onAnnounced({ table: id, version }: { readonly table: string; readonly version: number }): void {
  const table = tables.get(id) ?? tableOf(id);
  tables.set(id, table);
  table.announced = version;
  if (table.atWork) return;
  table.atWork = true;
  void follow(table).finally(() => {
    table.atWork = false;
  });
}

const settings = kafkaSettings(config);
const kafka = await openClient(settings, () => undefined);
const { maxWaitMs, maxBytesPerPartition, topic } = settings;
const consumer = kafka.consumer({
  ...{ groupId: `bare-${randomUUID()}`, maxWaitTimeInMs: maxWaitMs, maxBytesPerPartition, retry: CLIENT_RETRY },
});
consumer.on(consumer.events.GROUP_JOIN, () => say({ joined: true }));
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
await consumer.run({ eachMessage: async ({ message }) => onAnnounced(JSON.parse(String(message.value))) });
process.once('SIGTERM', () => process.exit(0));
