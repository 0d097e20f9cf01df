/** One merge at a time, as segmentd does it, that can be halted before its build, before it uploads, and at every put of a manifest. */
import type { Manifest } from '../../../src/lance/codec/manifest.ts';
import type { StableRowIds } from '../../../src/lance/plan/row-ids.ts';
import type { SegmentBuilder } from '../../../src/lance/segment.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import type { MergePlan, MergeRule } from '../../../src/merge/merge-plan.ts';
import { planMerges } from '../../../src/merge/merge-plan.ts';
import type { MergeResult } from '../../../src/merge/merge-table.ts';
import { mergeTable } from '../../../src/merge/merge-table.ts';
import type { ObjectStore, PutResult } from '../../../src/store/object-store.ts';
import { MIN_ROWS } from '../../../testing/kind-rows.ts';
import type { GatedStore } from './gated-store.ts';
import { gatedStore } from './gated-store.ts';
import type { Change, Ending, Progress } from './model-worker.ts';
import { SETTINGS } from './model-worker.ts';
import type { PutFate } from './steps.ts';

export type MergerSetup = {
  readonly store: ObjectStore;
  readonly late: (() => Promise<PutResult>)[];
  readonly builder: SegmentBuilder;
  readonly stableRowIds: StableRowIds;
  /** Told of a commit before its first attempt. */
  readonly onCommit: (change: Change) => void;
};

type Halt = 'planned' | 'built' | 'putting';

type Merge = {
  readonly plan: MergePlan;
  readonly gated: GatedStore;
  readonly end: Promise<Progress>;
  at: Halt;
};

export class MergeWorker {
  readonly #setup: MergerSetup;
  #merge: Merge | undefined;
  /** Of the merge that runs: resolved when it halts, and when it may go on. */
  #halted = Promise.withResolvers<Halt>();
  #released = Promise.withResolvers<void>();

  constructor(setup: MergerSetup) {
    this.#setup = setup;
  }

  get phase(): 'idle' | Halt {
    return this.#merge?.at ?? 'idle';
  }

  /** Forgets everything, as a killed process does; what it was about to put never lands. */
  crash(): void {
    this.#merge = undefined;
  }

  async step(fate: PutFate, rule: MergeRule): Promise<Progress> {
    const merge = this.#merge;
    if (!merge) return this.#begin(rule);
    if (merge.at === 'putting') merge.gated.letThrough(fate);
    else {
      this.#halted = Promise.withResolvers();
      this.#released.resolve();
    }
    return this.#until(merge);
  }

  async #begin(rule: MergeRule): Promise<Progress> {
    const gated = gatedStore(this.#setup.store, this.#setup.late);
    const manifest = await new LanceTable(gated.store).latest();
    const { stableRowIds } = this.#setup;
    const plan = planMerges(manifest, { wanted: 'existing', stableRowIds, minRows: MIN_ROWS }, rule);
    if (plan.merges.length === 0) return { kind: 'nothing-to-do' };
    this.#halted = Promise.withResolvers();
    const merge: Merge = { plan, gated, end: this.#run(manifest, plan, gated.store), at: 'planned' };
    this.#merge = merge;
    return this.#until(merge);
  }

  /** Runs on to the next halt or to the end of the merge. */
  async #until(merge: Merge): Promise<Progress> {
    const putting = merge.gated.arrival().then((): Halt => 'putting');
    const reached = await Promise.race([this.#halted.promise, putting, merge.end]);
    if (typeof reached === 'string') {
      merge.at = reached;
      return { kind: 'going-on' };
    }
    this.#merge = undefined;
    return reached;
  }

  async #pause(at: Halt): Promise<void> {
    this.#released = Promise.withResolvers();
    this.#halted.resolve(at);
    await this.#released.promise;
  }

  async #run(base: Manifest, plan: MergePlan, store: ObjectStore): Promise<Progress> {
    let change: Change = { base, addSegments: [], removeSegments: plan.remove, transactionUuid: '' };
    const builder: SegmentBuilder = {
      build: async (...request) => {
        await this.#pause('planned');
        const build = await this.#setup.builder.build(...request);
        change = { ...change, addSegments: build.segments };
        return build;
      },
    };
    const watched: ObjectStore = {
      ...store,
      put: async (key, bytes) => {
        const [uuid] = /[0-9a-f-]{36}(?=\.txn$)/.exec(key) ?? [];
        // The first is that of the merge; another would be that of its rollback.
        if (uuid !== undefined && change.transactionUuid === '') {
          change = { ...change, transactionUuid: uuid };
          this.#setup.onCommit(change);
        }
        await store.put(key, bytes);
      },
    };
    const withSlot = async <T>(land: () => Promise<T>): Promise<T> => {
      await this.#pause('built');
      return land();
    };
    try {
      const parts = { builder, commit: SETTINGS, properties: {}, withSlot };
      const result = await mergeTable(new LanceTable(watched), base, plan, parts);
      if (result.kind === 'rejected' && change.addSegments.length === 0) return { kind: 'build-stale' };
      return { kind: 'ended', change, outcome: endingOf(result) };
    } catch (error) {
      return { kind: 'ended', change, outcome: failureOf(error) };
    }
  }
}

function endingOf(result: MergeResult): Ending {
  if (result.kind === 'rejected') return result;
  const { version, segments } = result;
  return { kind: 'landed', version, rebased: { keep: segments, skipped: [] } };
}

function failureOf(error: unknown): Ending {
  if (error instanceof SegmentdError && error.code === 'commit_unknown') return { kind: 'unknown' };
  if (error instanceof SegmentdError && error.code === 'commit_contended')
    return { kind: 'rejected', cause: 'contended' };
  // The one error that the gated store makes with the promise that nothing was created.
  if (error instanceof SegmentdError && error.code === 'store_full')
    return { kind: 'rejected', cause: 'store_refused' };
  throw error;
}
