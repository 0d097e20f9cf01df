/** What a scenario is made of, and what it gives. */
import type { Cleanup } from '../../src/lib/cleanup.ts';
import type { Peers } from '../peers/peers.ts';
import type { Contest, Figure, Samples } from './rounds.ts';

/** What distinguishes one comparison from the next, such as `{ rows: 1000000, indexes: 2 }`. */
export type Case = Readonly<Record<string, string | number>>;

export type TableHead = {
  readonly title: string;
  /** The way that the ratios of all others are to. */
  readonly baseline: string;
  /** Of each metric, such as `ms`; a metric is named in the order given here. */
  readonly units: Readonly<Record<string, string>>;
  /** Metrics that tell what a way did, such as a number of segments: there is nothing to compare. */
  readonly facts?: readonly string[];
};

export type FigureTable = TableHead & {
  readonly name: string;
  readonly figures: readonly (Figure & { readonly at: Case })[];
};

/** Sizes are plain data: `--set rows=1000` on the command line replaces one. */
export type Sizes = Readonly<Record<string, number | string | boolean | readonly (number | string)[]>>;

export type Scenario<S extends Sizes = Sizes> = {
  readonly name: string;
  /** What it measures, in one sentence. */
  readonly what: string;
  readonly sizes: S;
  /** Of sizes that are texts, what such a text looks like. */
  readonly texts?: { readonly [Name in keyof S]?: RegExp };
  /** What `--quick` replaces. */
  readonly quick: { readonly [Name in keyof S]?: S[Name] };
  readonly tables: Readonly<Record<string, TableHead>>;
  run(bench: Bench, sizes: S): Promise<void>;
};

/** Where a scenario takes place. */
export type Bench = {
  /** A folder that goes with the run. */
  readonly home: string;
  /** Runs at the end of the scenario or of the part, whatever happened. */
  readonly cleanup: Cleanup;
  readonly peers: Peers;
  /** Says what is being done, on standard error. */
  step(what: string): void;
  /** Measures the ways of one case and adds them to a table of the scenario. Gives what each round of each gave. */
  measure(table: string, at: Case, contest: Contest): Promise<Samples>;
  /** Does a part of the scenario, with a clean-up of its own: what it started is gone before the next part begins. */
  part(work: (bench: Bench) => Promise<void>): Promise<void>;
  /** Notes that something could not be measured here, and why: a sentence. */
  leaveOut(sentence: string): void;
};

/** A scenario among others, which all have sizes of their own. */
export const scenario = <S extends Sizes>(it: Scenario<S>): Scenario => it as unknown as Scenario;

/** Sizes that are not those of the scenario itself, as `--set` takes them. */
export function setSizes(it: Scenario, quick: boolean, sizes: Sizes): string[] {
  const own = sizesOf(it, quick);
  const isOther = (name: string) => JSON.stringify(sizes[name]) !== JSON.stringify(own[name]);
  // A list is joined by commas.
  return Object.keys(sizes)
    .filter(isOther)
    .map((name) => `${name}=${sizes[name]}`);
}

export const sizesOf = ({ sizes, quick: small }: Scenario, quick: boolean): Sizes => ({
  ...sizes,
  ...(quick && (small as Sizes)),
});
