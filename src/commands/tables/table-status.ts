/** What `status` shows of one table. */
import type { Manifest, WriterVersion } from '../../lance/codec/manifest.ts';
import type { IndexFacts, SegmentFacts, TableFacts } from '../../lance/inspect/inspect.ts';
import { factsOf } from '../../lance/inspect/inspect.ts';
import { BTREE } from '../../lance/plan/kinds/btree.ts';
import { DEFAULT_POLICY } from '../../lance/plan/row-ids.ts';
import { MANAGED_VERSIONING } from '../../lance/plan/supported.ts';
import type { LastCommit, OwnCommit } from '../../lance/table/last-commit.ts';
import { findLastCommit } from '../../lance/table/last-commit.ts';
import { lastLanceOf } from '../../lance/table/last-writer.ts';
import { LanceTable } from '../../lance/table/table.ts';
import { readTableCost } from '../../lance/table/table-cost.ts';
import type { Tier } from '../../merge/policy/tiered.ts';
import { defaultMerge, tierOf } from '../../merge/policy/tiered.ts';
import { counted, formatBytes, formatShare, formatTable, printable } from '../terminal/output.ts';
import type { Style } from '../terminal/style.ts';
import { PLAIN } from '../terminal/style.ts';
import { thousands } from '../terminal/thousands.ts';
import { formatLeft } from './left-alone.ts';
import { requestsPerLookup } from './lookup-requests.ts';
import type { PendingWork, SegmentsByTier } from './pending-work.ts';
import { pendingWork, segmentsByTier } from './pending-work.ts';
import type { Place } from './places.ts';
import { segmentStrip } from './segment-strip.ts';
import type { CostReport } from './table-cost-report.ts';
import { costReport, formatCost } from './table-cost-report.ts';
import { LIMITS } from './work-settings.ts';

type ReportedSegment = SegmentFacts & { readonly tier: Tier };
type ReportedIndex = Omit<IndexFacts, 'segments'> & {
  readonly segments: readonly ReportedSegment[];
  readonly tiers: SegmentsByTier;
  /** Of a BTREE in an object store; null on a disk, and for the other kinds, whose queries differ too much. */
  readonly requests_per_lookup: number | null;
};

export type TableReport = Omit<TableFacts, 'indexes'> & {
  readonly indexes: readonly ReportedIndex[];
  /** Segments of all indexes by tier. */
  readonly tiers: SegmentsByTier;
  /** The newest version that segmentd committed, or null when none was found. */
  readonly last_commit: OwnCommit | null;
  /** The oldest version that was looked at for it. */
  readonly looked_back_to: number;
  readonly cost: CostReport;
  readonly next: PendingWork;
};

/** A function that looks at the table: what has not changed is not read again. */
export function inspectOneTable({ uri, storeOf, policyOf }: Place): () => Promise<TableReport> {
  const table = new LanceTable(storeOf(uri));
  const policy = policyOf(uri) ?? DEFAULT_POLICY;
  const settings = defaultMerge(table.store.remote);
  let seen: { manifest: Manifest; last: LastCommit; lance: WriterVersion | null; cost: CostReport } | undefined;
  return async () => {
    const manifest = await table.latest();
    if (seen?.manifest !== manifest) {
      const [last, lance, cost] = await Promise.all([
        findLastCommit(table, manifest.version),
        lastLanceOf(table, manifest),
        readTableCost(table, manifest),
      ]);
      seen = { manifest, last, lance, cost: costReport(cost) };
    }
    const { commit, lookedBackTo } = seen.last;
    const facts = factsOf(table.uri, manifest, { ...policy, lance: seen.lance });
    return {
      ...facts,
      declined: policy.managedVersioning ? MANAGED_VERSIONING : facts.declined,
      indexes: facts.indexes.map((index) => ({
        ...index,
        segments: index.segments.map((segment) => ({ ...segment, tier: tierOf(segment.rows, settings) })),
        tiers: segmentsByTier([index], settings),
        requests_per_lookup: index.type === BTREE.label ? requestsPerLookup(index.segments, table.store) : null,
      })),
      tiers: segmentsByTier(facts.indexes, settings),
      last_commit: commit,
      looked_back_to: lookedBackTo,
      cost: seen.cost,
      next: pendingWork(manifest, policy, LIMITS, (kind) => defaultMerge(table.store.remote, kind)),
    };
  };
}

const formatTiers = (tiers: SegmentsByTier): string =>
  Object.entries(tiers)
    .map(([tier, count]) => `${tier}:${count}`)
    .join(' ');

const number = (value: number) => thousands(value);

/** A line per index with its segments as blocks; `segments` lists them. */
export function formatTableStatus(status: TableReport, style: Style = PLAIN, segments = false): string {
  const { uri, version, rows, fragments, written_by: writer, engine, declined, indexes } = status;
  return [
    `${printable(uri)}  version ${version}, ${counted(rows, 'row')} in ${counted(fragments, 'fragment')}`,
    `written by ${printable(writer)}, engine ${engine}`,
    ...(declined ? [style.paint('bad', `declined: ${declined.code}: ${printable(declined.message)}`)] : []),
    ...(indexes.length === 0 && !declined ? ['no index'] : []),
    ...indexes.map((index) => formatIndex(index, style, segments)),
    ...formatLeftAlone(status),
    '',
    formatCost(status.cost),
    formatLastCommit(status),
    formatNext(status),
  ].join('\n');
}

function formatIndex(index: ReportedIndex, style: Style, listed: boolean): string {
  const isBehind = index.missing_rows > 0;
  const head = [
    `\n${printable(index.name)}  ${formatKind(index)} on ${printable(index.column)}, ` +
      style.paint(isBehind ? 'doubtful' : 'good', `${formatShare(index.coverage)} covered`),
    `  ${segmentStrip({ segments: index.segments, missingRows: index.missing_rows }, { ...style, width: style.width - 2 })}`.trimEnd(),
    `  ${counted(index.covered_rows, 'row')}, ` +
      `${number(index.missing_rows)} missing in ${counted(index.missing_fragments, 'fragment')}, ` +
      formatHeld(index) +
      `${number(index.stale_fragments)} stale; segments by tier ${formatTiers(index.tiers) || 'none'}${formatLookup(index)}${formatAddresses(index)}`,
  ]
    .filter((line) => line !== '')
    .join('\n');
  if (!listed || index.segments.length === 0) return head;
  const header = ['segment', 'tier', 'fragments', 'rows', 'size', 'built from', 'created'];
  const lines = index.segments.map((segment) => [
    segment.uuid,
    String(segment.tier),
    segment.fragments,
    segment.rows,
    formatBytes(segment.bytes),
    segment.built_from_version,
    segment.created_at ?? 'unknown',
  ]);
  return `${head}\n${formatTable(header, lines).replaceAll(/^/gm, '  ')}`;
}

function formatHeld({ held_for: reason, held_rows: rows }: ReportedIndex): string {
  if (reason === null) return '';
  return `${counted(rows, 'row')} ${reason === 'rows' ? 'searched without it until there are more' : 'with nothing to index'}, `;
}

function formatKind({ type, parameters }: ReportedIndex): string {
  const said = Object.entries(parameters).map(([name, value]) => `${name} ${printable(String(value))}`);
  return said.length > 0 ? `${type} (${said.join(', ')})` : type;
}

/** Indexes that go stale: whoever looks at the table should know. */
function formatLeftAlone({ left_alone: left, not_wanted: others }: TableReport): string[] {
  return [
    ...formatLeft(left).map((line) => `\n${line}`),
    ...(others.length > 0 ? [`\nnot among the configured indexes: ${others.map(printable).join(', ')}`] : []),
  ];
}

/** Whoever makes such an index should know who reads it. Of the other kinds the version says nothing about rows. */
const formatAddresses = ({ type, segments }: ReportedIndex): string =>
  type === BTREE.label && segments.some(({ index_version: version }) => version === 1)
    ? '; of row addresses: Lance 14 and newer use it, older readers scan'
    : '';

const formatLookup = ({ requests_per_lookup: requests }: ReportedIndex): string =>
  requests === null ? '' : `; ${counted(requests, 'request')} per lookup`;

function formatLastCommit({ last_commit: commit, looked_back_to: from, version }: TableReport): string {
  if (!commit) return `last commit of segmentd: none among versions ${from} to ${version}`;
  const properties = Object.entries(commit.properties).map(
    ([key, value]) => `  ${printable(key)} = ${printable(value)}`,
  );
  const head = `last commit of segmentd: version ${commit.version}, ${printable(commit.operation)} on version ${commit.read_version}`;
  return [head, ...properties].join('\n');
}

function formatNext({ declined, next: { segments, rebuilds, merges, merges_due: due } }: TableReport): string {
  if (declined) return 'next: nothing, the table is declined';
  const lines = [
    ...segments.map(
      ({ index, fragments, rows }) =>
        `next: ${rebuilds ? 'rebuild' : 'build'} a segment of ${printable(index)} over ${counted(fragments, 'fragment')}, ${counted(rows, 'row')}`,
    ),
    ...merges.map(
      ({ index, segments: inputs, rows, reason }) =>
        `next: merge ${inputs} segments of ${printable(index)} into one of ${counted(rows, 'row')} (${reason})`,
    ),
    ...(due > merges.length ? [`      ${due} merges are due in all`] : []),
  ];
  return lines.length > 0 ? lines.join('\n') : 'next: nothing';
}
