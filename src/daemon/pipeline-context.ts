/** The stages' context, made from the configuration. */
import type { Config } from '../config/schema.ts';
import { tablePolicy } from '../config/table-policy.ts';
import { createBackfills } from '../control/backfill-jobs.ts';
import { createOwnCommits } from '../control/own-commits.ts';
import { TableCatalogs } from '../control/table-catalogs.ts';
import type { TableOwnership } from '../control/table-ownership.ts';
import { recordDecoder } from '../events/append-event.ts';
import { resolveTable } from '../events/table-address.ts';
import { readCatalogRows } from '../lance/engine/catalog-rows.ts';
import { enginePool } from '../lance/engine/memory-pool.ts';
import { lanceSegmentBuilder } from '../lance/engine/segment-builder.ts';
import { openTableCache } from '../lance/table/table-cache.ts';
import type { KindName } from '../lib/index-kinds.ts';
import { memberName } from '../lib/member-name.ts';
import { VERSION } from '../lib/version.ts';
import type { MergeSchedule } from '../merge/merge-schedule.ts';
import type { MergeSettings } from '../merge/policy/tiered.ts';
import { defaultMerge } from '../merge/policy/tiered.ts';
import type { PipelineContext } from '../stages/context.ts';
import { createRetryWaits } from '../stages/retry-waits.ts';
import type { StoreKind } from '../store/object-store.ts';
import { storeKind } from '../store/open-store.ts';
import { databasesOf, storesOf } from './configured-stores.ts';
import { clientIdOf } from './kafka-settings.ts';

/**
 * By kind of store. On an object store a commit takes up to a second, and all writers of a table together have one to four of them in a
 * second.
 */
const BATCH_INTERVAL_MS: Record<StoreKind, number> = { local: 0, s3: 1_000, gs: 1_000, az: 1_000 };

/** When and how segments are merged, by what `config` says at the time. */
export function mergeSchedule(config: Config): MergeSchedule {
  const settingsOf = (remote: boolean, kind: KindName): MergeSettings => {
    const { merge } = config;
    const { factor, maxSegments } = defaultMerge(remote, kind);
    return {
      floorRows: merge.floor_rows,
      factor: merge.factor ?? factor,
      maxFactor: merge.max_factor,
      maxSegmentRows: merge.max_segment_rows,
      maxSegments: merge.max_segments ?? maxSegments,
    };
  };
  return {
    settings: ({ uri }, kind = 'btree') => settingsOf(storeKind(uri) !== 'local', kind),
    get concurrency() {
      return config.merge.concurrency;
    },
    get pauseLagMs() {
      return config.merge.pause_lag_s * 1000;
    },
  };
}

type ContextParts = Pick<
  PipelineContext,
  'telemetry' | 'tracing' | 'states' | 'deadLetter' | 'notify' | 'publish' | 'signal' | 'pauses' | 'slots'
> & {
  readonly scratchDir: string;
  /** In memory, where there is a place for it. */
  readonly memoryDir?: string | null;
  readonly ownership: TableOwnership;
  readonly catalogs?: TableCatalogs;
};

/** The tables of the configured databases; catalogs are read through views below `scratchDir`. */
export function tableCatalogs(
  config: Config,
  telemetry: PipelineContext['telemetry'],
  scratchDir: string,
): TableCatalogs {
  return new TableCatalogs({
    databases: databasesOf(config),
    storeOf: storesOf(config, telemetry.storeRequested),
    read: (manifest, place) => readCatalogRows(manifest, place, scratchDir),
  });
}

export function pipelineContext(
  config: Config,
  { scratchDir, memoryDir, ownership, catalogs: known, ...parts }: ContextParts,
): PipelineContext {
  const catalogs = known ?? tableCatalogs(config, parts.telemetry, scratchDir);
  const ownCommits = createOwnCommits();
  const decoded = recordDecoder(catalogs.databases, {
    maxValueBytes: config.events.max_bytes,
    isOwnCommit: ownCommits.isOwn,
  });
  const { admission } = enginePool(config.build.memory_bytes);
  parts.telemetry.waitingBuilds(() => admission.waiting);
  const storeOf = storesOf(config, parts.telemetry.storeRequested);
  const cache = openTableCache(storeOf, (id) => tablePolicy(config, id), { onLanded: ownCommits.note });
  return {
    ...parts,
    tables: {
      ...cache,
      policy: (id) => {
        const managedVersioning = catalogs.isManaged(resolveTable(catalogs.databases, id));
        return managedVersioning ? { ...cache.policy(id), managedVersioning } : cache.policy(id);
      },
    },
    locate: (table) => catalogs.locate(table),
    backfills: createBackfills(),
    retryWaits: createRetryWaits(),
    onReleased: (listener) => ownership.onReleased(listener),
    builder: lanceSegmentBuilder(scratchDir, {
      memoryBytes: config.build.memory_bytes,
      memoryDir,
      signal: parts.signal,
      mergesApart: true,
    }),
    decodeRecord: (record) => {
      const events = decoded(record);
      for (const { table } of events) ownership.observe(table.id, record.position.partition);
      return events;
    },
    settings: stageSettings(config),
  };
}

/** What is read at each use may be configured anew while the daemon runs. */
function stageSettings(config: Config): PipelineContext['settings'] {
  return {
    lingerMs: config.batch.linger_ms,
    batchIntervalMs: ({ uri }) => config.batch.min_interval_ms ?? BATCH_INTERVAL_MS[storeKind(uri)],
    get limits() {
      return { maxRows: config.batch.max_rows, maxFragments: config.batch.max_fragments };
    },
    get versionWaitMs() {
      return config.events.version_wait_ms;
    },
    get commit() {
      return { maxAttempts: config.commit.max_attempts, initialBackoffMs: config.commit.backoff_ms };
    },
    get backfill() {
      return { thresholdRows: config.backfill.threshold_rows, rowsPerSegment: config.backfill.rows_per_segment };
    },
    get retry() {
      return { initialMs: config.retry.initial_ms, maxMs: config.retry.max_ms };
    },
    writer: { library: 'segmentd', version: VERSION },
    member: memberName(clientIdOf(config)),
  };
}
