/**
 * Small merges of remote tables land together with a batch. In an object store a version takes up to a second and a table bears one to
 * four of them in a second, so that a merge of a few segments would cost as much as the batch beside it.
 */
import type { Committed } from '../lance/commit/apply-build.ts';
import type { SegmentRequest } from '../lance/segment.ts';
import { RecentMap } from '../lib/recent-map.ts';
import type { TableRef } from '../model.ts';
import type { PipelineContext } from '../stages/context.ts';
import type { MergesAlong, OfferMerges } from '../stages/work.ts';
import { excludingCompactable } from './compaction-backoff.ts';
import type { MergePlan } from './merge-plan.ts';
import { planMerges } from './merge-plan.ts';
import { reportBuilt, reportFinished, reportStarted } from './merge-report.ts';
import type { MergeSchedule } from './merge-schedule.ts';
import type { Merged } from './merge-table.ts';
import { planAhead } from './policy/tiered.ts';

/** Rows that may be merged with a batch, of all indexes: a fifth of a second of building, which the fresh data waits for. */
const MAX_ROWS = 1_000_000;

/** Tables remembered whose merges are kept apart. */
const REMEMBERED = 10_000;

/** Decides of each table's merges whether they land with a batch or alone. One table has one merge under way, of either kind. */
export class MergeAlong {
  readonly #context: PipelineContext;
  readonly #schedule: MergeSchedule;
  readonly #underWay = new Set<string>();
  /** Tables whose last merge with a batch did not land: the next one is done alone. */
  readonly #apart = new RecentMap<string, true>(REMEMBERED);

  constructor(context: PipelineContext, schedule: MergeSchedule) {
    this.#context = context;
    this.#schedule = schedule;
  }

  /** The merges that land with a batch of the table which is planned on this version; null when there are none. */
  readonly offer: OfferMerges = (table, manifest) => {
    const { tables, pauses } = this.#context;
    const { concurrency, settings } = this.#schedule;
    if (!tables.open(table.uri).store.remote || concurrency === 0 || pauses.isPaused(table.id)) return null;
    // Whatever their number: with more than the bound nothing goes along.
    const plan = planMerges(manifest, tables.policy(table.id), (segments, kind) =>
      planAhead(excludingCompactable(segments, Number.POSITIVE_INFINITY), settings(table, kind), 1),
    );
    return this.mayLandWithBatch(table, plan) && this.begin(table.id) ? this.#along(table, plan) : null;
  };

  /** Whether these merges can wait for a batch, and land with it. */
  mayLandWithBatch(table: TableRef, { merges, states, touchesCandidates }: MergePlan): boolean {
    const rows = merges.reduce((sum, merge) => sum + merge.rows, 0);
    return (
      this.#context.tables.open(table.uri).store.remote &&
      !this.#apart.has(table.id) &&
      !touchesCandidates &&
      merges.length > 0 &&
      rows <= MAX_ROWS &&
      states.every(({ kind, segments }) => segments.length <= this.#schedule.settings(table, kind.name).maxSegments)
    );
  }

  /** Whether a merge of the table may begin, which is under way then until `end`. */
  begin(id: string): boolean {
    if (this.#underWay.has(id)) return false;
    this.#underWay.add(id);
    return true;
  }

  end(id: string): void {
    this.#underWay.delete(id);
  }

  /** A merge landed alone: the next one may go along again. */
  landedAlone(id: string): void {
    this.#apart.delete(id);
  }

  #along(table: TableRef, plan: MergePlan): MergesAlong {
    const { id } = table;
    const owns = ({ index, fragments: [first] }: SegmentRequest) =>
      plan.requests.some((request) => request.index === index && request.fragments[0] === first);
    const giveUp = () => {
      this.end(id);
      this.#apart.set(id, true);
    };
    const context = this.#context;
    return {
      requests: plan.requests,
      remove: plan.remove,
      owns,
      started: () => reportStarted(context, table, plan),
      built: (segments) => reportBuilt(context, table, segments.filter(owns)),
      landed: (done) => {
        this.end(id);
        reportFinished(context, table, plan, mergedOf(done, owns));
      },
      refused: (cause) => {
        giveUp();
        reportFinished(context, table, plan, { kind: 'rejected', cause });
      },
      failed: () => {
        giveUp();
        if (!context.signal.aborted) reportFinished(context, table, plan, null);
      },
    };
  }
}

/** What landed of the merges. Their segments were built side by side. */
function mergedOf({ segments, ...done }: Committed, owns: MergesAlong['owns']): Merged {
  const { version, transactionUuid, commitMs, attempts } = done;
  const own = segments.filter(({ segment }) => owns(segment));
  const bytes = own.flatMap(({ segment }) => segment.files).reduce((sum, file) => sum + file.bytes, 0);
  const buildMs = Math.max(...own.map(({ segment }) => segment.buildMs));
  return { kind: 'landed', version, transactionUuid, segments: own, bytes, buildMs, commitMs, attempts };
}
