/** One segmentd worker that can be halted between planning, building, uploading and every put of a manifest. */
import { randomUUID } from 'node:crypto';
import type { Manifest } from '../../../src/lance/codec/manifest.ts';
import { commitChange } from '../../../src/lance/commit/commit-change.ts';
import type { CommitOutcome, CommitRequest } from '../../../src/lance/commit/commit-request.ts';
import type { Rebased } from '../../../src/lance/commit/rebase.ts';
import type { RejectCause } from '../../../src/lance/commit/reject-causes.ts';
import { uploadSegments } from '../../../src/lance/commit/upload.ts';
import type { BatchLimits } from '../../../src/lance/plan/next-segments.ts';
import type { StableRowIds } from '../../../src/lance/plan/row-ids.ts';
import { planTable } from '../../../src/lance/plan/table-plan.ts';
import type { WantedIndexes } from '../../../src/lance/plan/wanted-index.ts';
import type { Build, SegmentBuilder, SegmentRequest } from '../../../src/lance/segment.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import type { ObjectStore, PutResult } from '../../../src/store/object-store.ts';
import { MIN_ROWS } from '../../../testing/kind-rows.ts';
import type { GatedStore } from './gated-store.ts';
import { gatedStore } from './gated-store.ts';
import type { PutFate } from './steps.ts';

type Phase =
  | { readonly at: 'idle' }
  | { readonly at: 'planned'; readonly manifest: Manifest; readonly requests: readonly SegmentRequest[] }
  | { readonly at: 'built'; readonly build: Build }
  | { readonly at: 'uploaded'; readonly build: Build; readonly durable: Promise<void> }
  | {
      readonly at: 'putting';
      readonly build: Build;
      readonly change: CommitRequest;
      readonly end: Promise<CommitOutcome>;
    };

/** What a worker tried to commit. */
export type Change = Pick<CommitRequest, 'base' | 'addSegments' | 'removeSegments' | 'transactionUuid'>;

/** What became of it. */
export type Ending =
  | { readonly kind: 'landed'; readonly version: number; readonly rebased: Pick<Rebased, 'keep' | 'skipped'> }
  | { readonly kind: 'rejected'; readonly cause: RejectCause }
  | { readonly kind: 'unknown' };

/** What a step came to, as far as the model has to know. */
export type Progress =
  | { readonly kind: 'nothing-to-do' | 'going-on' | 'build-stale' }
  | { readonly kind: 'ended'; readonly change: Change; readonly outcome: Ending };

export type WorkerSetup = {
  readonly store: ObjectStore;
  readonly late: (() => Promise<PutResult>)[];
  readonly builder: SegmentBuilder;
  readonly wanted: WantedIndexes;
  readonly stableRowIds: StableRowIds;
  readonly limits: BatchLimits;
  /** Told of a commit before its first attempt. */
  readonly onCommit: (change: Change) => void;
};

export const SETTINGS = { maxAttempts: 4, initialBackoffMs: 0, writer: { library: 'segmentd', version: '0.0.0' } };

export class ModelWorker {
  readonly #setup: WorkerSetup;
  #gated: GatedStore;
  #table: LanceTable;
  #phase: Phase = { at: 'idle' };

  constructor(setup: WorkerSetup) {
    this.#setup = setup;
    this.#gated = gatedStore(setup.store, setup.late);
    this.#table = new LanceTable(this.#gated.store);
  }

  get phase(): Phase['at'] {
    return this.#phase.at;
  }

  /** Forgets everything, as a killed process does; what it was about to put never lands. */
  crash(): void {
    this.#gated = gatedStore(this.#setup.store, this.#setup.late);
    this.#table = new LanceTable(this.#gated.store);
    this.#phase = { at: 'idle' };
  }

  async step(fate: PutFate): Promise<Progress> {
    const phase = this.#phase;
    switch (phase.at) {
      case 'idle':
        return this.#plan();
      case 'planned':
        return this.#build(phase.manifest, phase.requests);
      case 'built':
        return this.#upload(phase.build);
      case 'uploaded':
        return this.#commit(phase.build, phase.durable);
      case 'putting':
        this.#gated.letThrough(fate);
        return this.#halt(phase);
    }
  }

  async #plan(): Promise<Progress> {
    const manifest = await this.#table.latest();
    const { wanted, stableRowIds, limits } = this.#setup;
    const { requests } = planTable(manifest, { wanted, stableRowIds, minRows: MIN_ROWS }, limits);
    if (requests.length === 0) return { kind: 'nothing-to-do' };
    this.#phase = { at: 'planned', manifest, requests };
    return { kind: 'going-on' };
  }

  async #build(manifest: Manifest, requests: readonly SegmentRequest[]): Promise<Progress> {
    this.#phase = { at: 'idle' };
    try {
      const build = await this.#setup.builder.build(manifest, this.#table.place(), requests);
      this.#phase = { at: 'built', build };
      return { kind: 'going-on' };
    } catch (error) {
      if (error instanceof SegmentdError && error.code === 'build_stale') return { kind: 'build-stale' };
      throw error;
    }
  }

  async #upload(build: Build): Promise<Progress> {
    const { durable } = await uploadSegments(this.#table.store, build.segments);
    // Awaited here, so that it does not depend on the speed of a disk what a later step finds.
    await durable;
    this.#phase = { at: 'uploaded', build, durable };
    return { kind: 'going-on' };
  }

  async #commit(build: Build, durable: Promise<void>): Promise<Progress> {
    const transactionUuid = randomUUID();
    const change: CommitRequest = {
      base: build.manifest,
      addSegments: build.segments,
      removeSegments: [],
      durable,
      transactionUuid,
      properties: {},
    };
    this.#setup.onCommit(change);
    return this.#halt({ at: 'putting', build, change, end: commitChange(this.#table, change, SETTINGS) });
  }

  /** Runs on to the next put of a manifest or to the end of the commit. */
  async #halt(phase: Extract<Phase, { at: 'putting' }>): Promise<Progress> {
    this.#phase = phase;
    const reached = await Promise.race([this.#gated.arrival(), phase.end]);
    if (reached === 'waiting') return { kind: 'going-on' };
    this.#phase = { at: 'idle' };
    await phase.build[Symbol.asyncDispose]();
    return { kind: 'ended', change: phase.change, outcome: reached };
  }
}
