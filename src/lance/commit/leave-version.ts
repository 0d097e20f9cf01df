/**
 * Versions that belong to Lance. A table with `lance.auto_cleanup.interval` is cleaned up by Lance's writers, in those of their commits
 * whose version is divisible by it. Where appends and commits of segmentd take turns, the latter would get all of these, and nothing would
 * ever be cleaned up. So they are left to Lance, by a commit without a change through the engine, and segmentd commits on the next.
 */
import { SegmentdError } from '../../lib/errors.ts';
import type { Manifest } from '../codec/manifest.ts';
import { isParsed } from '../plan/kinds/kind.ts';
import { unreadableFragments } from '../plan/newer-files.ts';
import type { TablePlace } from '../segment.ts';
import type { LanceTable } from '../table/table.ts';

export type CommitNothing = (place: TablePlace) => Promise<void>;

const INTERVAL = 'lance.auto_cleanup.interval';

/** Loaded when it is needed, which is rarely. */
const byEngine: CommitNothing = async (place) => {
  const { commitNothing } = await import('../engine/commit-nothing.ts');
  await commitNothing(place);
};

/** Other writers may take each version after one that was left; then segmentd takes its turn all the same. */
const MOST_LEFT = 3;

/**
 * Whether the version after this one is left to Lance. With an interval of 0 or 1 each commit of Lance cleans up; and a table that the
 * engine cannot work on has other writers to do it.
 */
export function isLeftToLance(latest: Manifest): boolean {
  const text = latest.config.get(INTERVAL) ?? '';
  const interval = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (interval < 2 || (latest.version + 1) % interval !== 0) return false;
  return (
    latest.schema.every(({ logicalType }) => isParsed(logicalType)) &&
    unreadableFragments(latest, latest.fragments.ids).size === 0
  );
}

/**
 * The version to commit on: `latest`, or what `look` finds once versions have been left. An engine that fails costs a cleanup, which the
 * next interval brings; so segmentd commits then. What `look` returns as an error is returned.
 */
export async function leaveVersions(
  table: Pick<LanceTable, 'place'>,
  latest: Manifest,
  look: () => Promise<Manifest | SegmentdError>,
  commitNothing: CommitNothing = byEngine,
): Promise<Manifest | SegmentdError> {
  let found: Manifest | SegmentdError = latest;
  for (let left = 0; left < MOST_LEFT; left++) {
    if (found instanceof SegmentdError || !isLeftToLance(found)) return found;
    if (!(await succeeds(() => commitNothing(table.place())))) return found;
    found = await look();
  }
  return found;
}

async function succeeds(task: () => Promise<void>): Promise<boolean> {
  try {
    await task();
    return true;
  } catch {
    return false;
  }
}
