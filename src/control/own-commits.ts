/** The versions that this process committed, so that a store's notifications of them are told from those of other writers. */
import type { IsOwnCommit } from '../events/s3-notification.ts';
import type { LandedVersion } from '../lance/table/table.ts';
import { RecentMap } from '../lib/recent-map.ts';

export type OwnCommits = {
  /** Remembers a version that this process has just made. */
  note(landed: LandedVersion): void;
  /**
   * Whether a manifest is one of those. False when it has been forgotten, or when the notification came before the store's answer: the
   * plan then finds nothing missing.
   */
  readonly isOwn: IsOwnCommit;
};

/** Notifications come within seconds; this is a commit a second for hours, or many tables at once. */
const REMEMBERED = 10_000;

/** `limit` is for tests: versions that are remembered. */
export function createOwnCommits(limit: number = REMEMBERED): OwnCommits {
  const etags = new RecentMap<string, string>(limit);
  return {
    note: ({ uri, version, tag }) => void etags.set(keyOf(uri, version), tag),
    // A table that is dropped and made anew comes by the same version again, with another ETag.
    isOwn: ({ table, version, etag }) => etag !== undefined && etags.get(keyOf(table.uri, version)) === etag,
  };
}

const keyOf = (uri: string, version: number): string => `${uri} ${version}`;
