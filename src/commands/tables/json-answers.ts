/**
 * What the commands print with `--json`, beside the facts that other rooms gather: an API. `schemas/` has the JSON Schema of each, and
 * the checks of scripts/command-schemas.ts hold the two together.
 */
import type { ErrorCode } from '../../lib/errors.ts';
import type { PlannedMerge } from '../../merge/merge-plan.ts';
import type { MergeReason } from '../../merge/policy/candidates.ts';
import type { LeftAlone } from '../../model.ts';
import type { CostReport } from './table-cost-report.ts';

export type WaitAnswer = {
  readonly uri: string;
  readonly version: number;
  readonly covered: boolean;
  /** Null when there was no table. */
  readonly latest_version: number | null;
  readonly waited_ms: number;
  readonly left_alone: readonly LeftAlone[];
};

export type IndexAnswer = {
  readonly uri: string;
  readonly version: number;
  readonly plan_ms: number;
  readonly publish_ms: number;
  readonly commit_ms: number;
  readonly attempts: number;
  readonly indexes: readonly {
    readonly name: string;
    readonly column: string;
    readonly segment_uuid: string;
    readonly fragments: number;
    readonly rows: number;
    readonly build_ms: number;
  }[];
  /** Columns without an index as yet, since the table has no rows. */
  readonly not_made: readonly string[];
  readonly left_alone: readonly LeftAlone[];
};

export type MergeAnswer = {
  readonly uri: string;
  readonly version: number;
  readonly merges: readonly {
    readonly index: string;
    readonly column: string;
    readonly reason?: MergeReason | undefined;
    /** Uuids of the segments that are gone. */
    readonly replaced: readonly string[];
    readonly segment_uuid: string;
    readonly fragments: number;
    readonly rows: number;
    readonly bytes_in: number;
    readonly bytes_out: number;
    readonly build_ms: number;
    readonly version: number;
  }[];
  readonly left_alone: readonly LeftAlone[];
};

/** Of `--dry-run`. */
export type MergeForecast = {
  readonly uri: string;
  readonly version: number;
  readonly pending: number;
  readonly merges: readonly PlannedMerge[];
  readonly left_alone: readonly LeftAlone[];
};

type Orphans = { readonly segments: number; readonly staged: number; readonly bytes: number };
type Compaction = { readonly fragments_removed: number; readonly fragments_added: number };

export type OptimizeAnswer = {
  readonly uri: string;
  readonly version: number;
  readonly segments_merged: number;
  readonly compaction: Compaction;
  readonly answers_compared: number;
  readonly freed: { readonly versions: number; readonly bytes: number };
  readonly peak_memory_bytes: number;
  readonly orphans: Orphans;
  readonly before: CostReport;
  readonly after: CostReport;
};

/** Of `--dry-run`. */
export type OptimizeForecast = {
  readonly uri: string;
  readonly version: number;
  readonly compaction: Compaction;
  /** Null where the versions that stay are too large to read them all. */
  readonly frees: {
    readonly versions: number;
    readonly manifest_bytes: number;
    readonly index_bytes: number | null;
    readonly data_bytes: number | null;
  };
  readonly orphans: Orphans;
  readonly cost: CostReport;
};

export type BackfillAnswer = {
  readonly table: string;
  readonly version: number;
  readonly events: number;
  readonly rows: number;
  readonly fragments: number;
  /** Of `--dry-run`: what each event names. */
  readonly parts?:
    | readonly {
        readonly fragments: number;
        readonly first?: number | undefined;
        readonly last?: number | undefined;
        readonly rows: number;
      }[]
    | undefined;
  readonly waited?: boolean | undefined;
  /** Until all of it was covered. */
  readonly seconds?: number | undefined;
};

export type AnnounceAnswer = { readonly table: string; readonly topic: string; readonly time: string };

/** Of `pause`, `resume` and `refresh`. */
export type SteerAnswer = {
  readonly table: string;
  readonly command: 'pause' | 'resume' | 'refresh';
  readonly via: 'listener' | 'topic';
  /** The listener that answered; null over the topic. */
  readonly daemon: string | null;
  readonly topic: string | null;
  /** What the daemon says of the table; null over the topic, which does not answer. */
  readonly state: string | null;
  readonly paused: boolean | null;
  /** Of a pause: whether it lasts when the process of the daemon ends; null of others. */
  readonly survives_restart: boolean | null;
};

/** One line of `doctor`. */
export type Check = {
  /** What was looked at, such as `broker` or `store lake`. */
  readonly check: string;
  readonly outcome: 'ok' | 'warning' | 'error';
  readonly code: ErrorCode | null;
  readonly message: string;
};

export type DoctorAnswer = {
  /** Whether there is no error. */
  readonly ok: boolean;
  readonly checks: readonly Check[];
};

export type DeadLetterFacts = {
  /** In the dead-letter topic: `<partition>:<offset>`. */
  readonly position: string;
  readonly at: string;
  readonly code: string;
  readonly message: string;
  readonly table: string | null;
  readonly source: { readonly topic: string; readonly partition: number; readonly offset: string } | null;
  readonly replayed: boolean;
  readonly cannot_replay: string | null;
};

/** Of `dead-letters list`. */
export type DeadLettersAnswer = {
  readonly topic: string;
  /** With those that are left out. */
  readonly found: number;
  readonly dead_letters: readonly DeadLetterFacts[];
};

/** Of `dead-letters show`. */
export type DeadLetterAnswer = DeadLetterFacts & {
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string | null;
};

/** Of `dead-letters replay`. */
export type ReplayAnswer = {
  readonly topic: string;
  readonly dry_run: boolean;
  readonly replayed: readonly string[];
  /** Letters that were replayed before. */
  readonly before: number;
  readonly cannot: readonly { readonly position: string; readonly reason: string }[];
};
