/** What the configuration says of the indexes of a table. */
import type { IndexParameters, KindName } from '../lib/index-kinds.ts';
import type { Config } from './schema.ts';

/** An index with the parameters of its kind beside it, whichever it is. */
type IndexOption = {
  readonly column: string;
  readonly name?: string | undefined;
  readonly kind?: KindName | undefined;
};

/** What is maintained in a table, whether or not `tables` names it. */
export function tablePolicy({ tables, vector }: Pick<Config, 'tables' | 'vector'>, id: string) {
  const { indexes, stable_row_ids: stableRowIds = 'decline' } = tables[id] ?? {};
  return { wanted: indexes?.map(wantedIndex) ?? ('existing' as const), stableRowIds, minRows: vector.min_rows };
}

/** Whether a table that is declined is as the operator wants it: no alert fires. */
export function acceptsDecline({ tables }: Pick<Config, 'tables'>, id: string): boolean {
  return tables[id]?.decline === 'accept';
}

function wantedIndex({ column, name, kind, ...parameters }: IndexOption) {
  return { column, name, kind, parameters: parameters as IndexParameters };
}
