/** Runs the same query twice, with and without the index, for conditions that are sampled from the table. */
import type { Table } from '@lancedb/lancedb';
import { SegmentdError } from '../../lib/errors.ts';
import type { TablePlace } from '../segment.ts';
import { withAskedTable } from './asked-table.ts';
import { RowSet } from './row-set.ts';
import type { AskedOf, Condition } from './sample-conditions.ts';
import { sampleConditions } from './sample-conditions.ts';

type Sampling = {
  /** Path as SQL has it. */
  readonly column: string;
  readonly samples: number;
  /** Chooses the rows; default: chance. */
  readonly random?: () => number;
  /** What of the column is asked for; default: values. */
  readonly of?: AskedOf;
  readonly maxRows?: number;
};

/** A condition whose two answers differ. Counts are rows. */
export type WrongAnswer = { readonly condition: string; readonly indexed: number; readonly scanned: number };

export type SampleReport = {
  /** Conditions that were compared. */
  readonly asked: number;
  /** Conditions that were not, because they hold for too many rows. */
  readonly leftOut: number;
  readonly wrong: readonly WrongAnswer[];
};

/** Rows that the index may find for all conditions together: where every value is in every fragment, each holds for very many. */
const MAX_ROWS = 250_000;

/** Conditions that share a pass over the column: each is a column of its answer, and the filter names them all. */
const PER_SCAN = 25;

/**
 * Compares the indexed answers for `column`, a path as SQL has it, with a scan, for the values of `samples` random rows and for nulls, as
 * far as `maxRows` goes, but at least one. The scan is one pass over the column for every 25 values. Errors are LanceDB's own: an index
 * that cannot be read makes the query fail.
 */
export function compareAnswers(
  place: Pick<TablePlace, 'uri' | 'storageOptions'>,
  { column, samples, random = Math.random, of = 'values', maxRows = MAX_ROWS }: Sampling,
): Promise<SampleReport> {
  return withAskedTable(place, async (table) => {
    const conditions = await sampleConditions(table, column, { samples, random, of });
    const { asked, answers: indexed } = await indexedAnswers(table, column, conditions, maxRows);
    const wrong: WrongAnswer[] = [];
    for (let from = 0; from < asked.length; from += PER_SCAN) {
      const scanned = await scannedAnswers(table, hidden(column, of), asked.slice(from, from + PER_SCAN));
      for (const [at, scan] of scanned.entries()) {
        const index = indexed[from + at] as RowSet;
        const condition = asked[from + at]?.(column) ?? '';
        if (!index.equals(scan)) wrong.push({ condition, indexed: index.rows, scanned: scan.rows });
      }
    }
    return { asked: asked.length, leftOut: conditions.length - asked.length, wrong };
  });
}

/** An expression with the values of the column, which no index is used for. Lists are not compared with NULL. */
const hidden = (column: string, of: AskedOf) =>
  of === 'values' ? `nullif(${column}, NULL)` : `coalesce(${column}, ${column})`;

/** The answers by the index to those conditions that the bound allows, the smaller ones first. */
async function indexedAnswers(table: Table, column: string, conditions: readonly Condition[], maxRows: number) {
  const asked: Condition[] = [];
  const answers: RowSet[] = [];
  const counted: { condition: Condition; count: number }[] = [];
  for (const condition of conditions) counted.push({ condition, count: await table.countRows(condition(column)) });
  let rows = 0;
  for (const { condition, count } of counted.sort((a, b) => a.count - b.count)) {
    if (asked.length > 0 && rows + count > maxRows) break;
    const answer = new RowSet();
    for await (const batch of table.query().where(condition(column)).select([]).withRowId()) answer.add(batch);
    rows += count;
    asked.push(condition);
    answers.push(answer);
  }
  return { asked, answers };
}

/** The answers of one scan, which marks for each row the conditions that it meets. */
async function scannedAnswers(table: Table, column: string, conditions: readonly Condition[]): Promise<RowSet[]> {
  const hidden = conditions.map((condition) => condition(column));
  const columns = Object.fromEntries(hidden.map((condition, at) => [`holds_${at}`, condition]));
  const query = table
    .query()
    .where(hidden.map((condition) => `(${condition})`).join(' OR '))
    .select(columns)
    .withRowId();
  // The engine simplifies some ways to hide a column from the index, `coalesce` among them, and still uses the index.
  if ((await query.explainPlan(true)).includes('ScalarIndexQuery')) {
    throw new SegmentdError(
      'internal',
      `LanceDB answers by the index, so there is no scan of ${column} to compare with`,
    );
  }
  const answers = hidden.map(() => new RowSet());
  for await (const batch of query) {
    for (const [at, answer] of answers.entries()) answer.add(batch, batch.getChild(`holds_${at}`) ?? undefined);
  }
  return answers;
}
