/** The request and the outcomes of a commit. */
import type { SegmentdError } from '../../lib/errors.ts';
import type { IndexMetadata } from '../codec/index-metadata.ts';
import type { Manifest, WriterVersion } from '../codec/manifest.ts';
import type { CommitNothing } from './leave-version.ts';
import type { Rebased, TableChange } from './rebase.ts';
import type { RejectCause } from './reject-causes.ts';

export type CommitSettings = {
  readonly maxAttempts: number;
  /** First pause after a lost conflict at most, milliseconds, and no longer than an attempt took; it doubles, with jitter. */
  readonly initialBackoffMs: number;
  readonly writer: WriterVersion;
  /** Once it fires, a commit that has lost a conflict gives up as contended instead of waiting for another. */
  readonly signal?: AbortSignal | undefined;
  /** Makes a version without a change, through Lance. Default: by the engine. */
  readonly commitNothing?: CommitNothing;
};

export type CommitRequest = TableChange & {
  /** Resolves when the files of the added segments are durable. */
  readonly durable: Promise<void>;
  /** Chosen before the first attempt: the only proof that a version is of this commit. */
  readonly transactionUuid: string;
  readonly properties: Readonly<Record<string, string>>;
  /** Segments that come back as they were in `asOf`, where the table has not moved since. */
  readonly restore?: { readonly segments: readonly IndexMetadata[]; readonly asOf: Manifest };
};

export type Effort = { readonly attempts: number; readonly conflicts: number };

export type CommitOutcome = Effort & OutcomeWithoutEffort;

export type OutcomeWithoutEffort =
  /** `landedAtMs`: since when readers see it, milliseconds since the epoch. */
  | { readonly kind: 'landed'; readonly version: number; readonly landedAtMs: number; readonly rebased: Rebased }
  /** Nothing of the change is in the table, now or later, and its files are deleted. */
  | Rejected
  /** It may have landed or still land. The files stay; the next plan reads the table. */
  | { readonly kind: 'unknown'; readonly error: SegmentdError };

export type Rejected =
  | { readonly kind: 'rejected'; readonly cause: Exclude<RejectCause, 'store_refused'> }
  | { readonly kind: 'rejected'; readonly cause: 'store_refused'; readonly error: SegmentdError };
