/** Ways of doing the same, in rounds that visit each of them: a busy machine is busy for all. */

import type { Summary } from './statistics.ts';
import { pairedRatios, rounded, summarize } from './statistics.ts';

/** What one round of one way gave, by metric. */
export type Sample = Readonly<Record<string, number>>;

export type Way = {
  readonly name: string;
  /** Prepares, measures, checks what it did, and gives what it measured. Rounds before the first measured one are below 0. */
  readonly round: (round: number) => Promise<Sample>;
  /** Takes part in the first so many measured rounds alone, and in one warm-up: for what takes seconds. Default: in all. */
  readonly rounds?: number;
};

/** A way that was measured along with others, in rounds that cannot be told apart: takes part with what it gave. */
export const recorded = (name: string, samples: readonly Sample[]): Way => ({
  name,
  rounds: samples.length,
  async round(round) {
    const sample = samples[round];
    if (!sample) throw new RangeError(`${name} has no round ${round}`);
    return sample;
  },
});

export type Contest = {
  readonly ways: readonly Way[];
  readonly warmUp: number;
  readonly rounds: number;
};

/** Samples of each way, in the order of the rounds. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

/**
 * Runs all rounds. Each begins with another way, so that none is always the one that follows the slowest. Calls `onRound` after each
 * measured round.
 */
export async function interleave(
  { ways, warmUp, rounds }: Contest,
  onRound: (round: number) => void = () => undefined,
): Promise<Samples> {
  const samples = new Map<string, Sample[]>(ways.map(({ name }) => [name, []]));
  if (samples.size < ways.length) throw new Error('two ways have one name');
  for (let round = -warmUp; round < rounds; round++) {
    for (const way of inTurn(ways, round + warmUp)) {
      const most = way.rounds ?? rounds;
      if (round >= most || (way.rounds !== undefined && round < -1)) continue;
      const sample = await way.round(round);
      if (round >= 0) samples.get(way.name)?.push(sample);
    }
    if (round >= 0) onRound(round);
  }
  return samples;
}

function inTurn<T>(items: readonly T[], turn: number): T[] {
  const first = turn % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}

/** What a way came to: each metric, and its ratios to the same metric of the baseline, of the pairs of each round. */
export type Figure = {
  readonly way: string;
  readonly metrics: Readonly<Record<string, Summary>>;
  /** Empty for the baseline. */
  readonly ratios: Readonly<Record<string, Summary>>;
};

/** The figures of each way that was measured, of the metrics in `units`, by default all; facts have no ratio. Throws when the baseline was not measured. */
export function figuresOf(
  samples: Samples,
  {
    baseline,
    units,
    facts = [],
  }: {
    readonly baseline: string;
    readonly units?: Readonly<Record<string, string>>;
    readonly facts?: readonly string[];
  },
): Figure[] {
  const base = samples.get(baseline);
  if (!base?.[0]) throw new Error(`the baseline ${baseline} was not measured`);
  return [...samples].flatMap(([way, taken]) => {
    const [first] = taken;
    if (!first) return [];
    const metrics: Record<string, Summary> = {};
    const ratios: Record<string, Summary> = {};
    for (const metric of Object.keys(first)) {
      if (units && !(metric in units)) continue;
      const values = valuesOf(taken, metric);
      metrics[metric] = roundedAll(summarize(values));
      if (way === baseline || facts.includes(metric)) continue;
      const pairs = pairedRatios(values, valuesOf(base, metric)).filter(Number.isFinite);
      if (pairs.length > 0) ratios[metric] = roundedAll(summarize(pairs));
    }
    return [{ way, metrics, ratios }];
  });
}

const valuesOf = (samples: readonly Sample[], metric: string) => samples.map((it) => it[metric] ?? Number.NaN);

const roundedAll = (summary: Summary): Summary => ({
  n: summary.n,
  median: rounded(summary.median),
  q1: rounded(summary.q1),
  q3: rounded(summary.q3),
  min: rounded(summary.min),
  max: rounded(summary.max),
});
