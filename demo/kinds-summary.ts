/** What `--kinds` ends with. */
import { formatTable } from '../src/commands/terminal/output.ts';

type Spread = { readonly p50: number; readonly p99: number };

export type KindsSummary = {
  readonly appends: number;
  /** Of fresh data: one for all indexes. */
  readonly commits: number;
  readonly event_to_covered_ms: Spread;
  readonly indexes: readonly {
    readonly kind: string;
    readonly column: string;
    readonly asks: string;
    /** Over fresh data; merges make more. */
    readonly segments_built: number;
    readonly segments_now: number;
    readonly coverage: number;
    readonly build_ms: Spread;
    /** From the event to the first query that found a new row by this index alone. */
    readonly event_to_found_ms: Spread;
    /** At the end, in a query that may search unindexed rows as well. */
    readonly used_index: boolean;
  }[];
};

/** The lines of a summary; throws, after `write` has them, when it shows that something went wrong. */
export function reportKinds(summary: KindsSummary, write: (text: string) => void, json: boolean): void {
  const { appends, commits, event_to_covered_ms: covered, indexes } = summary;
  const header = ['index', 'asked for', 'build p50', 'found p50', 'found p99', 'segments', 'used', 'covered'];
  const cells = indexes.map((it) => [
    ...[`${it.kind} on ${it.column}`, it.asks, `${it.build_ms.p50} ms`],
    ...[`${it.event_to_found_ms.p50} ms`, `${it.event_to_found_ms.p99} ms`, it.segments_now],
    ...[it.used_index ? 'yes' : 'NO', it.coverage],
  ]);
  const lines = [
    `appends            ${appends}, in ${commits} commits for ${indexes.length} indexes each`,
    `event to covered   p50 ${covered.p50} ms, p99 ${covered.p99} ms`,
    '',
    formatTable(header, cells),
  ];
  write(`\n${lines.join('\n')}\n`);
  if (json) write(`${JSON.stringify(summary)}\n`);
  const good = indexes.every((it) => it.used_index && it.coverage === 1 && it.segments_built === commits);
  if (!good || commits > appends) throw new Error('the summary shows a failure');
}
