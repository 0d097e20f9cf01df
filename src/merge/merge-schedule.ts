/** When and how the tables of a process are merged. */
import type { AskedWork } from '../control/asked-work.ts';
import type { KindName } from '../lib/index-kinds.ts';
import type { TableRef } from '../model.ts';
import type { AskedMerge } from './asked-merge.ts';
import type { MergeSettings } from './policy/tiered.ts';

export type MergeSchedule = {
  /** By the kind of store in which a table lies and the kind of index, a BTREE unless given. */
  readonly settings: (table: TableRef, kind?: KindName) => MergeSettings;
  /**
   * Merges at once, of different tables; 0: merges are planned and counted, and none is begun. While all slots are taken, tables
   * wait, those over the segment limit too. Merges that land with a batch take none.
   */
  readonly concurrency: number;
  /** While the fresh data of a table waits longer than this, milliseconds, it is not merged. */
  readonly pauseLagMs: number;
  /** What an operator asked for: merged though the policy would wait for a batch, or for compactions of others. */
  readonly asked?: AskedWork<AskedMerge>;
};
