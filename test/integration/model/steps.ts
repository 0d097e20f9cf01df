/** What may happen to a table, one step at a time: by LanceDB's users, by two segmentd workers and by two that merge. */
import * as fc from 'fast-check';
import type { MergeSettings } from '../../../src/merge/policy/tiered.ts';

/**
 * What becomes of the put of a manifest. `lands-unheard`: it lands, the answer is lost. `lost`: it never lands, nor is that
 * known. `late`: no answer, and it may land at a later step. `refused`: the store is full.
 */
export type PutFate = 'lands' | 'lands-unheard' | 'lost' | 'late' | 'refused';

/** What is to be merged: into few segments, as an operator asks for, or by a policy of small numbers. */
export type MergeChoice = { readonly to: number } | MergeSettings;

/** Of the indexes that the table may have. */
type Which = 0 | 1;

export type Step =
  | { readonly do: 'append'; readonly rows: number }
  /** Rows in a range of keys (modulo what there is), found by key or by id, which may have an index. */
  | { readonly do: 'delete'; readonly from: number; readonly span: number; readonly by: 'key' | 'id' }
  /** Of the column of an index. */
  | { readonly do: 'update'; readonly from: number; readonly span: number; readonly index: Which }
  | { readonly do: 'upsert'; readonly from: number; readonly span: number; readonly rows: number }
  | { readonly do: 'compact' }
  /** Old versions go, and with them files that only they name. */
  | { readonly do: 'cleanup' }
  /** Every file goes that no version names, those of segments about to be committed included. */
  | { readonly do: 'purge' }
  | { readonly do: 'create-index'; readonly index: Which }
  | { readonly do: 'drop-index'; readonly index: Which }
  | { readonly do: 'restore'; readonly back: number }
  | { readonly do: 'overwrite'; readonly rows: number; readonly how: 'create' | 'add' }
  /**
   * Dropped and made again: versions and fragment ids begin anew. Appends bring it to the version it had, and `ahead` more (or
   * less): from there on nothing but the files tells that its fragments are others.
   */
  | { readonly do: 'recreate'; readonly rows: number; readonly ahead: number }
  /** The worker goes on: plan, build, upload, put, and again whatever the put led to. */
  | { readonly do: 'work'; readonly worker: 0 | 1; readonly steps: number; readonly put: PutFate }
  /** The same of a merge. The rule counts when it begins. */
  | {
      readonly do: 'merge';
      readonly worker: 0 | 1;
      readonly steps: number;
      readonly put: PutFate;
      readonly rule: MergeChoice;
    }
  | { readonly do: 'crash'; readonly worker: 0 | 1 }
  | { readonly do: 'crash-merge'; readonly worker: 0 | 1 }
  | { readonly do: 'land-late' };

export type Scenario = {
  readonly steps: readonly Step[];
  readonly maxRows: number;
  readonly maxFragments: number;
  /** Whether the workers also create what is missing, as for a table named in the configuration. */
  readonly configured: boolean;
};

const from = fc.nat(200);
const span = fc.integer({ min: 1, max: 15 });
const rows = fc.integer({ min: 1, max: 12 });
const index = fc.constantFrom(0 as const, 1 as const);
const worker = fc.constantFrom(0 as const, 1 as const);
const put = fc.oneof(
  { weight: 12, arbitrary: fc.constant<PutFate>('lands') },
  { weight: 6, arbitrary: fc.constantFrom<PutFate[]>('lands-unheard', 'lost', 'late', 'refused') },
);

const rule: fc.Arbitrary<MergeChoice> = fc.oneof(
  fc.record({ to: fc.integer({ min: 1, max: 3 }) }),
  fc.record({
    floorRows: fc.constantFrom(1, 4, 20),
    factor: fc.constantFrom(2, 3),
    maxFactor: fc.constantFrom(3, 64),
    maxSegmentRows: fc.constantFrom(30, 10_000),
    maxSegments: fc.constantFrom(1, 3, 20),
  }),
);

/** What users do. */
const userStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 9, arbitrary: fc.record({ do: fc.constant('append' as const), rows }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('delete' as const),
      from,
      span,
      by: fc.constantFrom('key' as const, 'id' as const),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('update' as const), from, span, index }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('upsert' as const), from, span, rows }) },
  { weight: 4, arbitrary: fc.constant<Step>({ do: 'compact' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'cleanup' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'purge' }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('create-index' as const), index }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('drop-index' as const), index }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('restore' as const), back: fc.nat(8) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('overwrite' as const),
      rows,
      how: fc.constantFrom('create' as const, 'add' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('recreate' as const), rows, ahead: fc.integer({ min: -1, max: 2 }) }),
  },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.record({ do: fc.constant('work' as const), worker, steps: fc.integer({ min: 1, max: 4 }), put }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('merge' as const),
      worker,
      steps: fc.integer({ min: 1, max: 4 }),
      put,
      rule,
    }),
  },
  { weight: 35, arbitrary: userStep },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), worker }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash-merge' as const), worker }) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'land-late' }) },
);

/** A merge that is halted, and goes on when something has happened: left to chance that would be rare. */
const underMerge: fc.Arbitrary<Step[]> = fc
  .record({ worker, rule, put, halt: fc.integer({ min: 1, max: 3 }), meanwhile: fc.array(userStep, { maxLength: 2 }) })
  .map(({ halt, meanwhile, ...merge }) => [
    { do: 'merge', ...merge, steps: halt },
    ...meanwhile,
    { do: 'merge', ...merge, steps: 4 - halt },
  ]);

/** Steps of one kind and the other, one after the other. */
const steps: fc.Arbitrary<Step[]> = fc
  .array(fc.oneof({ weight: 14, arbitrary: step.map((it) => [it]) }, { weight: 2, arbitrary: underMerge }), {
    minLength: 5,
    maxLength: 20,
    size: 'max',
  })
  .map((groups) => groups.flat());

export const scenarios: fc.Arbitrary<Scenario> = fc.record({
  steps,
  maxRows: fc.constantFrom(20, 1000),
  maxFragments: fc.constantFrom(1, 2, 100),
  configured: fc.boolean(),
});
