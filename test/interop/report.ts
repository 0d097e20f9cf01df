/** What pylance reports about a table, and everything that can be wrong with it. */
import { createHash } from 'node:crypto';
import type { Connection } from '@lancedb/lancedb';
import { connect } from '@lancedb/lancedb';

export type SegmentReport = {
  readonly uuid: string;
  readonly fragments: readonly number[];
  readonly index_version: number;
  readonly dataset_version: number;
  readonly created_at_ms: number | null;
};

export type IndexReport = {
  readonly name: string;
  readonly type: string;
  readonly type_url: string;
  readonly rows: number;
  readonly bytes: number | null;
  readonly segments: readonly SegmentReport[];
  readonly indexed_rows: number;
  readonly unindexed_rows: number;
  readonly indexed_fragments: number;
  readonly unindexed_fragments: number;
};

/** One filter: how many rows a full scan finds, and whether the index says the same. */
export type QueryReport = {
  readonly column: string;
  readonly shows: string;
  readonly filter: string;
  readonly hits: number;
  /** Of the ids that the full scan found. */
  readonly digest: string;
  readonly indexed_hits: number;
  readonly same: boolean;
  readonly index_only_same: boolean;
  readonly plan_uses_index: boolean;
  readonly scan_uses_index: boolean;
};

export type Report = {
  readonly version: number;
  readonly rows: number;
  readonly fragments: readonly number[];
  readonly data_format: string;
  readonly indexes: readonly IndexReport[];
  readonly listed: readonly string[];
  readonly queries: readonly QueryReport[];
};

/**
 * Filters that Lance answers by a scan whatever indexes there are: it has no index query for `isnan`, nor for the negated
 * comparison of a float32 column, whose literal it casts.
 */
const scansAlways = ({ column, filter }: QueryReport) =>
  filter.startsWith('isnan') || (column === 'g' && filter.startsWith('NOT'));

/** Answers that differ from a full scan, and plans that do not use the index or use it where they should not. */
export function wrongAnswers({ queries }: Report): string[] {
  const wrong: string[] = [];
  for (const query of queries) {
    const say = (what: string) => wrong.push(`${query.filter}: ${what}`);
    if (!query.same) say(`${query.indexed_hits} rows by index, ${query.hits} by scan, or others`);
    if (!query.plan_uses_index && !scansAlways(query)) say('the plan does not use the index');
    if (query.scan_uses_index) say('the full scan uses the index');
    if (query.shows.endsWith('key') && query.hits === 0) say('finds nothing, so it shows nothing');
  }
  return wrong;
}

/** What keeps an index from answering for the whole table alone. */
export function gaps({ fragments, rows, indexes, queries, listed }: Report): string[] {
  const found: string[] = [];
  for (const index of indexes) {
    const say = (what: string) => found.push(`${index.name}: ${what}`);
    const covered = index.segments.flatMap((segment) => segment.fragments);
    const missing = fragments.filter((id) => !covered.includes(id));
    if (missing.length > 0) say(`fragments ${missing.join()} are in no segment`);
    if (new Set(covered).size !== covered.length) say(`a fragment is in two segments: ${covered.join()}`);
    if (index.rows !== rows) say(`${index.rows} of ${rows} rows described as indexed`);
    if (index.indexed_rows !== rows) say(`${index.indexed_rows} of ${rows} rows counted as indexed`);
    if (index.unindexed_rows !== 0) say(`${index.unindexed_rows} rows counted as unindexed`);
    if (index.indexed_fragments !== fragments.length)
      say(`${index.indexed_fragments} of ${fragments.length} fragments`);
    if (index.unindexed_fragments !== 0) say(`${index.unindexed_fragments} fragments counted as unindexed`);
    if (index.type !== 'BTree' || !index.type_url.endsWith('BTreeIndexDetails')) say(`${index.type} ${index.type_url}`);
    if (!listed.includes(index.name)) say('not listed');
  }
  for (const query of queries) if (!query.index_only_same) found.push(`${query.filter}: the index alone does not know`);
  return found;
}

/**
 * Filters for which LanceDB finds other rows than pylance's full scan, and indexes that LanceDB counts as incomplete. Of segments of row
 * addresses its Lance knows nothing, and scans.
 */
export async function lanceDbDisagreements(database: string, table: string, report: Report): Promise<string[]> {
  const connection: Connection = await connect(database);
  const opened = await connection.openTable(table);
  try {
    const found: string[] = [];
    for (const { filter, digest } of report.queries) {
      const ids = (await opened.query().where(filter).select(['id']).toArrow()).getChild('id')?.toArray();
      if (digestOf((ids ?? new BigInt64Array()) as BigInt64Array) !== digest) found.push(filter);
    }
    for (const { name, segments } of report.indexes) {
      if (segments.some(({ index_version: version }) => version > 0)) continue;
      const stats = await opened.indexStats(name);
      if (stats?.numUnindexedRows !== 0) found.push(`${name}: ${stats?.numUnindexedRows} rows not indexed`);
    }
    return found;
  } finally {
    opened.close();
    connection.close();
  }
}

function digestOf(ids: BigInt64Array): string {
  return createHash('sha1')
    .update(ids.toSorted((a, b) => (a < b ? -1 : Number(a > b))).join())
    .digest('hex');
}
