/** From local files to a version of the table: publish, then commit. */
import { randomUUID } from 'node:crypto';
import { stopwatch } from '../lib/stopwatch.ts';
import type { CommitOutcome, CommitSettings } from './commit-change.ts';
import { commitChange } from './commit-change.ts';
import { publishSegments } from './publish.ts';
import type { Build } from './segment-builder.ts';
import type { LanceTable } from './table.ts';

export type Landing = {
  readonly outcome: CommitOutcome;
  readonly transactionUuid: string;
  readonly publishMs: number;
  readonly commitMs: number;
};

export type LandingRequest = {
  /** Uuids of the segments that the built ones replace. */
  readonly remove: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
};

/** Errors: store_* while publishing, after which nothing is left of it; what happens from then on is in the outcome. */
export async function landBuild(
  table: LanceTable,
  { manifest, segments }: Pick<Build, 'manifest' | 'segments'>,
  { remove, properties }: LandingRequest,
  settings: CommitSettings,
): Promise<Landing> {
  const lap = stopwatch();
  const { durable } = await publishSegments(table.store, segments);
  const publishMs = lap();
  const transactionUuid = randomUUID();
  const change = { base: manifest, add: segments, remove, durable, transactionUuid, properties };
  const outcome = await commitChange(table, change, settings);
  return { outcome, transactionUuid, publishMs, commitMs: lap() };
}
