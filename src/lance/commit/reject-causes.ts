/** Why a change did not make it into a table. Closed unions, since they are metric labels too. */

/** What the conflict rules found: the change has to be planned again. */
const REPLAN_CAUSES = [
  ...(['table_replaced', 'table_declined'] as const),
  ...(['index_dropped', 'index_changed', 'column_changed', 'rows_moved'] as const),
  ...(['nothing_left', 'input_gone'] as const),
] as const;
export type ReplanCause = (typeof REPLAN_CAUSES)[number];

/** Beside those: too many conflicts, files deleted by a cleanup, a store that refused the write. */
export const REJECT_CAUSES = [...REPLAN_CAUSES, 'contended', 'files_gone', 'store_refused'] as const;
export type RejectCause = (typeof REJECT_CAUSES)[number];
