/** The version that an attempt commits on, and when it is seen that this is the latest. */
import { SegmentdError } from '../../lib/errors.ts';
import type { Manifest } from '../codec/manifest.ts';
import type { LanceTable } from '../table/table.ts';
import type { CommitRequest, CommitSettings } from './commit-request.ts';
import { isLeftToLance, leaveVersions } from './leave-version.ts';

/**
 * `before`: by a look at the table. `beside`: by one beside what makes the next version ready. `none`: by the store's answer to the put; then the
 * files of the segments are not looked at either: they were uploaded a moment ago, and a look is a request.
 */
export type Look = 'before' | 'beside' | 'none';

/**
 * When the first attempt looks at the table. Where a look is a request, the plan has looked a moment ago, and what was overtaken since is
 * found out by the put; a merge looks before: it took long, and has time. On a disk the look goes beside the sync of the files.
 */
function lookOfFirst(table: LanceTable, { base, removeSegments }: CommitRequest): Look {
  if (table.isRecent(base)) return removeSegments.length === 0 ? 'none' : 'before';
  return !table.store.remote && table.remembers(base) ? 'beside' : 'before';
}

type Before = { readonly attempts: number; readonly tried: number; readonly overtaken: boolean };

/** The version to commit on, or the error of reading it, and when the table is looked at for it. */
export async function landingPlace(
  table: LanceTable,
  request: CommitRequest,
  { attempts, tried, overtaken }: Before,
  { commitNothing }: CommitSettings,
): Promise<{ latest: Manifest | SegmentdError; look: Look }> {
  const look = attempts > 1 || overtaken ? 'before' : lookOfFirst(table, request);
  const again = () => latestOrError(table, tried);
  const seen = look === 'before' ? await again() : request.base;
  if (seen instanceof SegmentdError || !isLeftToLance(seen)) return { latest: seen, look };
  // What is left to Lance is found out by a look, and that is one.
  const found = look === 'beside' ? await again() : seen;
  if (found instanceof SegmentdError) return { latest: found, look: 'before' };
  return { latest: await leaveVersions(table, found, again, commitNothing), look: 'before' };
}

/**
 * The latest manifest, or the error of reading it. Listed: a version number that a cleanup left free must not be taken again. After a conflict
 * it is most likely the version that was `tried`.
 */
async function latestOrError(table: LanceTable, tried: number): Promise<Manifest | SegmentdError> {
  try {
    return await table.latest({ listed: true, announced: tried });
  } catch (error) {
    if (error instanceof SegmentdError) return error;
    throw error;
  }
}
