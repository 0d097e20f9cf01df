/** Shares out what a table misses as events. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../config/schema.ts';
import { tablePolicy } from '../../config/table-policy.ts';
import { kafkaSettings } from '../../daemon/kafka-settings.ts';
import { publishSpread } from '../../events/publish-events.ts';
import type { Manifest } from '../../lance/codec/manifest.ts';
import type { BackfillPart } from '../../lance/plan/backfill-plan.ts';
import { cutBackfill, missingOfAny, rowsOf } from '../../lance/plan/backfill-plan.ts';
import type { TablePolicy } from '../../lance/plan/row-ids.ts';
import { MANAGED_VERSIONING } from '../../lance/plan/supported.ts';
import { planTable } from '../../lance/plan/table-plan.ts';
import { fragmentsToCover } from '../../lance/plan/version-coverage.ts';
import type { LanceTable } from '../../lance/table/table.ts';
import { SegmentdError } from '../../lib/errors.ts';
import { timeLeft } from '../../lib/time-left.ts';
import type { AppendEvent, TableRef } from '../../model.ts';
import { MAX_EVENT_FRAGMENTS } from '../../model.ts';
import { backfillEvents } from '../../stages/share-backfill.ts';
import type { BackfillAnswer } from '../tables/json-answers.ts';
import type { Invocation, Output } from '../terminal/io.ts';
import { counted, formatTable, printJson, printLine } from '../terminal/output.ts';
import { openProgress } from '../terminal/progress.ts';
import { askedTable, openConfigured } from './configured-table.ts';

const POLL_MS = 250;

export type BackfillOptions = {
  config?: string;
  rowsPerSegment?: number;
  wait: boolean;
  dryRun?: boolean;
  timeout: number;
  json?: boolean;
};

export async function backfill(io: Invocation, address: string, options: BackfillOptions): Promise<void> {
  const { config, table: named } = askedTable(io, address, { file: options.config, isNameEnough: false });
  const { ref, table, isManaged } = await openConfigured(config, named);
  if (isManaged) throw new SegmentdError(MANAGED_VERSIONING.code, MANAGED_VERSIONING.message);
  const { events, parts, missing, version } = await planBackfill(config, ref, table, options);
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const facts = { table: ref.id, version, events: events.length, rows, fragments: missing.length };
  if (options.dryRun) {
    if (options.json) printJson(io.stdout, { ...facts, parts: parts.map(partFacts) } satisfies BackfillAnswer);
    else if (events.length < parts.length)
      printLine(io.stdout, `${ref.id} version ${version}: 1 event, for a rebuild of all of it`);
    else printParts(io.stdout, ref.id, version, parts);
    return;
  }
  if (events.length > 0) await publish(config, events, options.timeout);
  if (!options.json)
    printLine(io.stdout, `${ref.id}: ${counted(rows, 'row')} to cover in ${counted(events.length, 'event')}`);
  const started = performance.now();
  if (options.wait && events.length > 0) await follow(io.stderr, table, tablePolicy(config, ref.id), missing, rows);
  const seconds = Math.round(performance.now() - started) / 1000;
  const answer: BackfillAnswer = { ...facts, waited: options.wait, ...(options.wait ? { seconds } : {}) };
  if (options.json) printJson(io.stdout, answer);
  else if (options.wait) printLine(io.stdout, `${ref.id}: all of it is covered`);
}

async function planBackfill(config: Config, ref: TableRef, table: LanceTable, { rowsPerSegment }: BackfillOptions) {
  const manifest = await table.latest();
  const limits = { maxRows: config.batch.max_rows, maxFragments: config.batch.max_fragments };
  const plan = planTable(manifest, tablePolicy(config, ref.id), limits);
  const missing = missingOfAny(plan.states, (id) => plan.unreadable.has(id));
  const { version } = manifest;
  const parts = cutBackfill(manifest, missing, {
    rowsPerPart: rowsPerSegment ?? config.backfill.rows_per_segment,
    maxFragments: Math.min(limits.maxFragments, MAX_EVENT_FRAGMENTS),
  });
  // An index that has to be replaced whole is one member's work: an event that names no fragments.
  const events: readonly AppendEvent[] =
    plan.remove.length > 0 ? [{ table: ref, version, producer: 'segmentd' }] : backfillEvents(ref, version, parts);
  return { events, parts, missing, version };
}

async function publish(config: Config, events: readonly AppendEvent[], timeoutMs: number): Promise<void> {
  const { openProducer } = await import('../../kafka/producer.ts');
  const { partitionsOf } = await import('../../kafka/topics.ts');
  const settings = kafkaSettings(config);
  const left = timeLeft(timeoutMs);
  const late = sleep(timeoutMs, undefined, { ref: false }).then(() => {
    throw new SegmentdError('broker_unavailable', `${settings.topic}: no broker named its partitions in time`);
  });
  const partitions = await Promise.race([partitionsOf(settings, settings.topic), late]);
  const producer = openProducer(settings);
  try {
    await publishSpread(producer, settings.topic, partitions, events, { deadlineMs: left() });
  } finally {
    await producer.close();
  }
}

/**
 * Until every one of the fragments is covered. Once some of them are gone their rows may be anywhere, and everything has to be. A
 * store that does not answer is asked again.
 */
async function follow(
  out: Output,
  table: LanceTable,
  policy: TablePolicy,
  asked: Uint32Array,
  total: number,
): Promise<void> {
  const progress = openProgress(out);
  const limits = { maxRows: 1, maxFragments: 1 };
  try {
    for (;;) {
      const manifest = await latestWhenThere(table);
      const wanted = new Set(fragmentsToCover(asked, manifest));
      const missing = missingOfAny(planTable(manifest, policy, limits).states).filter((id) => wanted.has(id));
      progress.update(Math.max(0, total - rowsOf(manifest, missing)), total);
      if (missing.length === 0) return;
      await sleep(Math.max(POLL_MS, table.lookEveryMs));
    }
  } finally {
    progress.end();
  }
}

async function latestWhenThere(table: LanceTable): Promise<Manifest> {
  for (;;) {
    try {
      return await table.latest();
    } catch (error) {
      if (!(error instanceof SegmentdError) || error.retry === 'never') throw error;
      await sleep(POLL_MS);
    }
  }
}

const partFacts = ({ fragments, rows }: BackfillPart) => ({
  fragments: fragments.length,
  first: fragments[0],
  last: fragments.at(-1),
  rows,
});

function printParts(out: Output, table: string, version: number, parts: readonly BackfillPart[]): void {
  if (parts.length === 0) {
    printLine(out, `${table} misses nothing at version ${version}`);
    return;
  }
  printLine(out, `${table} version ${version}: ${counted(parts.length, 'event')}`);
  const rows = parts.map(partFacts).map((it, at) => [at + 1, it.fragments, `${it.first} to ${it.last}`, it.rows]);
  printLine(out, formatTable(['event', 'fragments', 'ids', 'rows'], rows));
}
