/** Tables that are planned without an event: those that an operator refreshes, and those of the sweep. */
import type { Observable } from 'rxjs';
import { EMPTY, merge, Subject } from 'rxjs';
import type { PendingEvent, TableRef } from '../model.ts';
import type { SweepOptions } from './sweep.ts';
import { sweep } from './sweep.ts';

export type RefreshRequests = {
  readonly events: Observable<PendingEvent>;
  /** Plans the table as soon as it is idle. */
  refresh(table: TableRef): void;
};

/** Without options there is no sweep. */
export function refreshRequests(options: SweepOptions | null): RefreshRequests {
  const refreshed = new Subject<PendingEvent>();
  return {
    events: merge(refreshed, options ? sweep(options) : EMPTY),
    refresh: (table) => refreshed.next({ event: { table }, record: null, receivedAtMs: Date.now() }),
  };
}
