/** Runs a scenario on a copy of the base table and checks the table after every commit and at the end. */
import { access, cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { needsRowHistory } from '../../../src/lance/commit/rebase.ts';
import { lanceSegmentBuilder } from '../../../src/lance/engine/segment-builder.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import type { MergeRule } from '../../../src/merge/merge-plan.ts';
import { planMergeTo } from '../../../src/merge/policy/reduce-to.ts';
import { planAhead } from '../../../src/merge/policy/tiered.ts';
import { localStore } from '../../../src/store/local-store.ts';
import type { PutResult } from '../../../src/store/object-store.ts';
import { checkMerged, checkNotShrunk } from './merge-checks.ts';
import { MergeWorker } from './merge-worker.ts';
import { probesAround, probesOfAll } from './model-indexes.ts';
import type { ModelTable } from './model-table.ts';
import type { Change, Ending, Progress } from './model-worker.ts';
import { ModelWorker } from './model-worker.ts';
import type { MergeChoice, PutFate, Scenario, Step } from './steps.ts';
import { checkAnswers, checkEverything, checkManifest } from './table-checks.ts';
import { NAME } from './table-engine.ts';

/** How often something happened, over all runs: a test that never comes to a conflict proves nothing. */
export type Tally = Map<string, number>;

export async function runScenario(scenario: Scenario, base: ModelTable, home: string, tally: Tally): Promise<void> {
  const database = join(home, 'db');
  await mkdir(database, { recursive: true });
  await cp(base.folder, join(database, `${NAME}.lance`), { recursive: true });
  const model = await base.inCopy(database);
  try {
    const run = new Run(model, scenario, join(home, 'scratch'), tally);
    for (const step of scenario.steps) await run.step(step);
    await run.finish();
  } finally {
    model.close();
  }
}

/** A drain that takes more steps than this goes in circles. */
const MAX_DRAIN_STEPS = 200;

/** Steps until nothing is left to do. */
async function drained(step: () => Promise<Progress['kind']>): Promise<number> {
  for (let steps = 0; ; steps++) {
    if ((await step()) === 'nothing-to-do') return steps;
    expect(steps, 'steps to drain').toBeLessThan(MAX_DRAIN_STEPS);
  }
}

/** Each index becomes one segment, as far as it has no gaps. */
const ALL: MergeChoice = { to: 1 };

/** Only merges replace segments. */
const isMerge = ({ removeSegments: remove }: Change) => remove.length > 0;

const ruleOf =
  (choice: MergeChoice): MergeRule =>
  (segments) =>
    'to' in choice ? planMergeTo(segments, choice.to) : planAhead(segments, choice);

class Run {
  readonly #model: ModelTable;
  readonly #workers: readonly [ModelWorker, ModelWorker];
  readonly #mergers: readonly [MergeWorker, MergeWorker];
  readonly #late: (() => Promise<PutResult>)[] = [];
  /** Version that each segment was built from. */
  readonly #builtFrom = new Map<string, number>();
  /** Every commit that was begun, by transaction. */
  readonly #begun = new Map<string, Change>();
  /** Commits that landed late: by the time their worker learns of it, the index may be gone again. */
  readonly #adopted = new Set<string>();
  /** How often files had been taken away when a worker made its plan. */
  readonly #planned = new Map<ModelWorker | MergeWorker, number>();
  readonly #tally: Tally;

  constructor(model: ModelTable, { configured, maxRows, maxFragments }: Scenario, scratch: string, tally: Tally) {
    this.#model = model;
    this.#tally = tally;
    const setup = {
      store: localStore(model.folder),
      late: this.#late,
      builder: lanceSegmentBuilder(scratch),
      stableRowIds: model.stableRowIds,
      wanted: configured ? model.drawn : ('existing' as const),
      limits: { maxRows, maxFragments },
      onCommit: (change: Change) => {
        this.#begun.set(change.transactionUuid, change);
        for (const { uuid } of change.addSegments) this.#builtFrom.set(uuid, change.base.version);
      },
    };
    this.#workers = [new ModelWorker(setup), new ModelWorker(setup)];
    this.#mergers = [new MergeWorker(setup), new MergeWorker(setup)];
  }

  async step(step: Step): Promise<void> {
    this.#count(step.do);
    switch (step.do) {
      case 'work':
        for (let at = 0; at < step.steps; at++) await this.#work(this.#workers[step.worker], step.put);
        return;
      case 'merge':
        for (let at = 0; at < step.steps; at++) await this.#merge(this.#mergers[step.worker], step.put, step.rule);
        return;
      case 'crash':
        return this.#workers[step.worker].crash();
      case 'crash-merge':
        return this.#mergers[step.worker].crash();
      case 'land-late':
        return this.#landLate();
      case 'cleanup':
      case 'recreate':
        // Lance itself cannot tell when a version under a put is taken away or begins anew, so neither happens then.
        await this.#landLate();
        if ([...this.#workers, ...this.#mergers].some(({ phase }) => phase === 'putting')) return;
        break;
      case 'purge':
        return this.#purge();
    }
    await this.#model.do(step);
  }

  /** Whatever is under way ends, the workers go on until nothing is missing, and everything must be right. */
  async finish(): Promise<void> {
    await checkEverything(this.#model, this.#builtFrom, false);
    await this.#landLate();
    for (const merger of this.#mergers) while (merger.phase !== 'idle') await this.#merge(merger, 'lands', ALL);
    for (const worker of this.#workers) await drained(() => this.#work(worker, 'lands'));
    await checkEverything(this.#model, this.#builtFrom, true);
    if ((await drained(() => this.#merge(this.#mergers[0], 'lands', ALL))) > 0) {
      await checkEverything(this.#model, this.#builtFrom, true);
    }
  }

  /** Segments whose files were taken just before they appeared are rolled back at once: only then the table is whole again. */
  async #purge(): Promise<void> {
    await this.#landLate();
    await this.#model.do({ do: 'purge' });
    const table = new LanceTable(localStore(this.#model.folder));
    const before = await table.latest();
    for (const worker of this.#workers) {
      while (worker.phase === 'putting') this.#tellEnd(await worker.step('lands'));
    }
    for (const merger of this.#mergers) {
      while (merger.phase === 'putting') this.#tellEnd(await merger.step('lands', ruleOf(ALL)));
    }
    checkNotShrunk(before, await table.latest(), 'a purge under a commit');
    await this.#appeared();
  }

  #work(worker: ModelWorker, fate: PutFate): Promise<Progress['kind']> {
    return this.#go(worker, () => worker.step(fate));
  }

  #merge(merger: MergeWorker, fate: PutFate, rule: MergeChoice): Promise<Progress['kind']> {
    return this.#go(merger, () => merger.step(fate, ruleOf(rule)));
  }

  async #go(worker: ModelWorker | MergeWorker, step: () => Promise<Progress>): Promise<Progress['kind']> {
    if (worker.phase === 'idle') this.#planned.set(worker, this.#model.takenAway);
    const putting = worker.phase === 'putting';
    const progress = await step();
    if (progress.kind === 'build-stale') {
      const planned = this.#planned.get(worker) as number;
      expect(this.#model.takenAway, 'a build lost files that no step of the scenario deleted').toBeGreaterThan(planned);
    }
    if (progress.kind === 'ended') await this.#ended(progress);
    else if (putting) await this.#appeared();
    return progress.kind;
  }

  async #ended({ change, outcome }: Extract<Progress, { kind: 'ended' }>): Promise<void> {
    this.#tell(change, outcome);
    if (outcome.kind === 'landed') {
      const manifest = await new LanceTable(localStore(this.#model.folder)).at(outcome.version);
      expect(manifest?.transaction?.uuid, `owner of version ${outcome.version}`).toBe(change.transactionUuid);
      for (const { segment, fragments } of outcome.rebased.keep) {
        const entry = manifest?.indexes.find(({ uuid }) => uuid === segment.uuid);
        expect(Array.from(entry?.fragments ?? []), `fragments of ${segment.uuid}`).toEqual(fragments);
        if (!this.#adopted.has(change.transactionUuid)) this.#expectIndex(change, segment.index);
        const dead = fragments.filter((id) => (manifest?.fragments.indexOf(id) ?? -1) < 0);
        expect(dead, `fragments of ${segment.uuid} that are not in the table`).toEqual([]);
        if (fragments.length < segment.fragments.length) this.#count('fragments dropped');
      }
      if (outcome.rebased.skipped.length > 0) this.#count('segments skipped');
      if (isMerge(change)) await this.#merged(change, outcome.version);
    }
    if (outcome.kind === 'rejected') await this.#leftNothing(change);
    await this.#appeared();
  }

  async #merged(change: Change, version: number): Promise<void> {
    await checkMerged(this.#model.folder, version, change);
    if (version > change.base.version + 1) this.#count('merge landed on a newer version');
    const table = new LanceTable(localStore(this.#model.folder));
    const before = await table.at(version - 1);
    if (before && needsRowHistory(change, before)) this.#count('merge landed over a delete');
  }

  /** Rejected means that no version there is, or will be, has anything of it. */
  async #leftNothing({
    addSegments: add,
    transactionUuid,
  }: Extract<Progress, { kind: 'ended' }>['change']): Promise<void> {
    const table = new LanceTable(localStore(this.#model.folder));
    for (const version of await this.#model.versions()) {
      expect((await table.at(version))?.transaction?.uuid, `a rejected commit is in ${version}`).not.toBe(
        transactionUuid,
      );
    }
    for (const { uuid } of add) {
      await expect(access(join(this.#model.folder, '_indices', uuid)), `files of ${uuid}`).rejects.toThrow('ENOENT');
    }
  }

  async #landLate(): Promise<void> {
    for (const put of this.#late.splice(0)) {
      const { outcome } = await put();
      this.#count(`late put: ${outcome}`);
      if (outcome === 'created') await this.#adopt();
    }
  }

  /** A late put has landed after all. */
  async #adopt(): Promise<void> {
    const { version, transaction, indexes } = await new LanceTable(localStore(this.#model.folder)).latest();
    const change = this.#begun.get(transaction?.uuid ?? '');
    if (!change) throw new Error('a late put brought a version that no step of the scenario made');
    this.#adopted.add(change.transactionUuid);
    for (const { index, uuid } of change.addSegments) {
      if (indexes.some((entry) => entry.uuid === uuid)) this.#expectIndex(change, index);
    }
    if (isMerge(change)) await this.#merged(change, version);
    await this.#appeared();
  }

  /** Only an index that was not there when the change was planned may be created by it. */
  #expectIndex({ base }: Change, name: string): void {
    if (!base.indexes.some((index) => index.name === name)) this.#model.addIndex(name);
  }

  async #appeared(): Promise<void> {
    await this.#model.remember();
    const manifest = await checkManifest(this.#model, this.#builtFrom);
    const row = this.#model.notable.at(-1);
    const model = this.#model;
    const probes = [...probesOfAll(model, model.rows), ...(row ? probesAround(model, row).slice(0, 4) : [])];
    await checkAnswers(this.#model, probes, manifest);
  }

  #tellEnd(progress: Progress): void {
    if (progress.kind === 'ended') this.#tell(progress.change, progress.outcome);
  }

  #tell(change: Change, outcome: Ending): void {
    const what = outcome.kind === 'rejected' ? `rejected: ${outcome.cause}` : outcome.kind;
    this.#count(isMerge(change) ? `merge ${what}` : what);
  }

  #count(what: string): void {
    this.#tally.set(what, (this.#tally.get(what) ?? 0) + 1);
  }
}
