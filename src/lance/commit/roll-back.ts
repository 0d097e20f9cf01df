/** Takes a commit out of a table again when the files that it names have vanished. */
import { randomUUID } from 'node:crypto';
import { SegmentdError } from '../../lib/errors.ts';
import type { Manifest } from '../codec/manifest.ts';
import type { LanceTable } from '../table/table.ts';
import type { CommitOutcome, CommitRequest } from './commit-request.ts';
import type { Rebased } from './rebase.ts';
import { findMissingFiles } from './upload.ts';

/** What landed on `latest`, with segments in it that have lost their files. */
type Damage = {
  readonly gone: readonly string[];
  readonly rebased: Rebased;
  readonly latest: Manifest;
  readonly request: CommitRequest;
};

/**
 * Takes segments whose files vanished out of the table again: with them in it, every query on the column fails. What they had
 * replaced comes back: without it an index that was merged into one segment would be gone. Resolves to whether they are out; never
 * rejects with a SegmentdError.
 */
export async function rollBack(
  table: LanceTable,
  { gone, rebased, latest, request }: Damage,
  commit: (undo: CommitRequest) => Promise<CommitOutcome>,
): Promise<boolean> {
  const damaged = new Set(rebased.keep.flatMap(({ segment }) => (gone.includes(segment.uuid) ? [segment.index] : [])));
  const replaced = latest.indexes.filter(
    ({ name, uuid }) => damaged.has(name) && request.removeSegments.includes(uuid),
  );
  try {
    const missing = await Promise.all(
      replaced.map((segment) => findMissingFiles(table.store, [segment], latest.basePaths)),
    );
    const outcome = await commit({
      base: await table.latest(),
      addSegments: [],
      removeSegments: gone,
      durable: Promise.resolve(),
      transactionUuid: randomUUID(),
      properties: request.properties,
      restore: { segments: replaced.filter((_, at) => missing[at]?.length === 0), asOf: latest },
    });
    return outcome.kind === 'landed';
  } catch (error) {
    if (error instanceof SegmentdError) return false;
    throw error;
  }
}
