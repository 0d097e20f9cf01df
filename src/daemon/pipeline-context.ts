/** The stages' context, made from the configuration. */
import { hostname } from 'node:os';
import type { Config } from '../config/schema.ts';
import { createBackfills } from '../control/backfill-jobs.ts';
import type { TableOwnership } from '../control/table-ownership.ts';
import { recordDecoder } from '../events/append-event.ts';
import { enginePool } from '../lance/engine/memory-pool.ts';
import { lanceSegmentBuilder } from '../lance/engine/segment-builder.ts';
import { openTableCache } from '../lance/table/table-cache.ts';
import { VERSION } from '../lib/version.ts';
import type { MergeSchedule } from '../merge/merge-once.ts';
import type { PipelineContext } from '../stages/context.ts';
import { openStore } from '../store/open-store.ts';

/** Names of the configured databases and where they lie. */
export function databasesOf(config: Config): ReadonlyMap<string, string> {
  return new Map(Object.entries(config.databases).map(([name, { uri }]) => [name, uri]));
}

/** When and how segments are merged. */
export function mergeSchedule({ merge }: Config): MergeSchedule {
  return {
    settings: {
      floorRows: merge.floor_rows,
      factor: merge.factor,
      maxFactor: merge.max_factor,
      maxSegmentRows: merge.max_segment_rows,
      maxSegments: merge.max_segments,
    },
    concurrency: merge.concurrency,
    pauseLagMs: merge.pause_lag_s * 1000,
  };
}

type ContextParts = Pick<
  PipelineContext,
  'telemetry' | 'states' | 'deadLetter' | 'notify' | 'publish' | 'signal' | 'pauses' | 'slots'
> & {
  readonly scratchDir: string;
  readonly ownership: TableOwnership;
};

export function pipelineContext(config: Config, { scratchDir, ownership, ...parts }: ContextParts): PipelineContext {
  const decoded = recordDecoder(databasesOf(config), { maxValueBytes: config.events.max_bytes });
  const policies = new Map(
    Object.entries(config.tables).map(([id, { indexes, stable_row_ids: stableRowIds }]) => [
      id,
      { wanted: indexes ?? ('existing' as const), stableRowIds },
    ]),
  );
  const { admission } = enginePool(config.build.memory_bytes);
  parts.telemetry.waitingBuilds(() => admission.waiting);
  return {
    ...parts,
    tables: openTableCache(openStore, policies),
    backfills: createBackfills(),
    onReleased: (listener) => ownership.onReleased(listener),
    builder: lanceSegmentBuilder(scratchDir, { memoryBytes: config.build.memory_bytes, signal: parts.signal }),
    decodeRecord: (record) => {
      const events = decoded(record);
      for (const { table } of events) ownership.observe(table.id, record.position.partition);
      return events;
    },
    settings: {
      lingerMs: config.batch.linger_ms,
      limits: { maxRows: config.batch.max_rows, maxFragments: config.batch.max_fragments },
      versionWaitMs: config.events.version_wait_ms,
      commit: { maxAttempts: config.commit.max_attempts, initialBackoffMs: config.commit.backoff_ms },
      backfill: {
        thresholdRows: config.backfill.threshold_rows,
        rowsPerSegment: config.backfill.rows_per_segment,
      },
      retry: { initialMs: config.retry.initial_ms, maxMs: config.retry.max_ms },
      writer: { library: 'segmentd', version: VERSION },
      member: `${config.kafka.client_id}@${hostname()}:${process.pid}`,
    },
  };
}
