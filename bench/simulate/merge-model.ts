/** A merge policy at work without a table: batches are appended one by one, and merges done until nothing is due. */
import type { MergeCandidate } from '../../src/merge/policy/candidates.ts';
import type { MergeSettings } from '../../src/merge/policy/tiered.ts';
import { planAhead } from '../../src/merge/policy/tiered.ts';

/** Rows of the batch `at` of `batches`. */
export type Sizes = (batches: number) => (at: number) => number;

export type Result = {
  /** Over time, at rest after each batch. */
  readonly average: number;
  readonly most: number;
  readonly amplification: number;
  /** The most it ever was after the first tenth: it jumps with each large merge, and sinks until the next. */
  readonly peak: number;
  readonly merges: number;
  /** Fragments that the merges read; one that is merged twice counts twice. */
  readonly fragmentsRead: number;
  /** The segments at the end, in table order. */
  readonly segments: readonly MergeCandidate[];
};

export function simulate(batches: number, sizes: Sizes, settings: MergeSettings): Result {
  const positions = Uint32Array.from({ length: batches }, (_, at) => at);
  const segments: MergeCandidate[] = [];
  const next = () => planAhead(segments, settings, 1).runs[0];
  const sizeOf = sizes(batches);
  let [appended, written, sum, most, peak, merges, fragmentsRead] = [0, 0, 0, 0, 0, 0, 0];
  const covering = (uuid: string, rows: number, from: number, to: number) => {
    written += rows;
    return { uuid, rows, positions: positions.subarray(from, to) };
  };
  for (let at = 0; at < batches; at++) {
    const rows = sizeOf(at);
    appended += rows;
    segments.push(covering(`b${at}`, rows, at, at + 1));
    for (let run = next(); run; run = next()) {
      const [head, inputs] = [run.uuids[0], run.uuids.length];
      const from = segments.findIndex(({ uuid }) => uuid === head);
      const gone = segments.slice(from, from + inputs);
      const [first, last] = [gone[0]?.positions[0] ?? 0, gone.at(-1)?.positions.at(-1) ?? 0];
      fragmentsRead += last + 1 - first;
      segments.splice(from, inputs, covering(`m${merges++}`, run.rows, first, last + 1));
    }
    sum += segments.length;
    most = Math.max(most, segments.length);
    if (at >= batches / 10) peak = Math.max(peak, written / appended);
  }
  return {
    ...{ average: sum / batches, most, amplification: written / appended, peak },
    ...{ merges, fragmentsRead, segments },
  };
}
