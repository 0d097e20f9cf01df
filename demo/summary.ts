/** What the demo ends with. */

import { formatBytes } from '../src/commands/terminal/output.ts';
import { quantile } from '../testing/screen.ts';
import type { CommittedBatch, RequestsByCommit } from '../testing/stores/commit-requests.ts';
import { downloaded } from '../testing/stores/commit-requests.ts';
import type { StoreProxy } from '../testing/stores/store-proxy.ts';

export type Summary = {
  readonly appends: number;
  /** Built in all, those included that merges made of others. */
  readonly segments_added: number;
  readonly segments_now: number;
  readonly coverage: number;
  readonly event_to_covered_ms: { readonly p50: number; readonly p99: number };
  readonly lookup_used_index: boolean;
  readonly lookup_correct: boolean;
  readonly old_segments_untouched: boolean;
  readonly optimize_ms: number;
  /** Of an object store. */
  readonly requests?: Requests;
};

/** Of segmentd and of the engine under it. */
type Requests = {
  readonly batches: number;
  /** Medians of the batches without a merge. */
  readonly until_covered: number;
  /** With which segmentd proves the commit. */
  readonly afterwards: number;
  readonly bytes_read: number;
  readonly batches_with_merges: number;
  /** The median of these; null when no merge landed with a batch. */
  readonly until_covered_with_merges: number | null;
  /** With the start of the daemon and with all merges. */
  readonly in_all: number;
  readonly bytes_read_in_all: number;
};

export function requestsOf({ batches }: RequestsByCommit, { requests }: StoreProxy): Requests {
  const [plain, along] = (['none', 'along'] as const).map((kind) => batches.filter(({ merges }) => merges === kind));
  const typical = (some: readonly CommittedBatch[] = [], figure: (batch: CommittedBatch) => number) =>
    quantile(some.map(figure), 0.5);
  const untilCovered = (batch: CommittedBatch) => batch.untilCovered.length;
  return {
    batches: batches.length,
    until_covered: typical(plain, untilCovered),
    afterwards: typical(plain, ({ afterwards }) => afterwards.length),
    bytes_read: typical(plain, (batch) => downloaded(batch.untilCovered)),
    batches_with_merges: along?.length ?? 0,
    until_covered_with_merges: along?.length ? typical(along, untilCovered) : null,
    in_all: requests.length,
    bytes_read_in_all: downloaded(requests),
  };
}

/** The lines of a summary; throws, after `write` has them, when it shows that something went wrong. */
export function report(summary: Summary, appends: number, write: (text: string) => void, json: boolean): void {
  const { p50, p99 } = summary.event_to_covered_ms;
  const yes = (is: boolean) => (is ? 'yes' : 'NO');
  const lines = [
    `appends                   ${summary.appends}`,
    `segments                  ${summary.segments_added} built for two indexes, ${summary.segments_now} after merging`,
    `coverage                  ${summary.coverage}`,
    `event to covered          p50 ${p50} ms, p99 ${p99} ms`,
    ...requestLines(summary),
    `lookup of a fresh key     used the index: ${yes(summary.lookup_used_index)}, right row: ${yes(summary.lookup_correct)}`,
    `old segments untouched    ${yes(summary.old_segments_untouched)}`,
    `one optimize() of a copy  ${summary.optimize_ms} ms, ${(summary.optimize_ms / p50).toFixed(1)} times the p50`,
  ];
  write(`\n${lines.join('\n')}\n`);
  if (json) write(`${JSON.stringify(summary)}\n`);
  const good = summary.lookup_used_index && summary.lookup_correct && summary.old_segments_untouched;
  if (!good || summary.coverage !== 1 || summary.appends !== appends) throw new Error('the summary shows a failure');
}

function requestLines({ requests, appends }: Summary): string[] {
  if (!requests) return [];
  const { batches, batches_with_merges: merging, until_covered_with_merges: withMerges } = requests;
  return [
    `requests per batch        ${requests.until_covered} until covered, ${requests.afterwards} afterwards; ${formatBytes(requests.bytes_read)} read`,
    ...(withMerges === null
      ? []
      : [`  with merges in it       ${withMerges} until covered, in ${merging} of ${batches} batches`]),
    `requests per append       ${(requests.in_all / appends).toFixed(1)} with all merges; ${formatBytes(requests.bytes_read_in_all / appends)} read`,
  ];
}
