/** The schemas of what the commands print with `--json`, checked against the types of `src/commands`. */
import * as z from 'zod';
import type { ConfigurationReport } from '../src/commands/tables/configuration-status.ts';
import type { DatabaseReport } from '../src/commands/tables/database-status.ts';
import type {
  AnnounceAnswer,
  BackfillAnswer,
  DeadLetterAnswer,
  DeadLettersAnswer,
  DoctorAnswer,
  IndexAnswer,
  MergeAnswer,
  MergeForecast,
  OptimizeAnswer,
  OptimizeForecast,
  ReplayAnswer,
  SteerAnswer,
  WaitAnswer,
} from '../src/commands/tables/json-answers.ts';
import type { TableReport } from '../src/commands/tables/table-status.ts';
import type { ErrorAnswer } from '../src/commands/terminal/error-answer.ts';
import type { Verification } from '../src/lance/inspect/verify-table.ts';
import { FINDINGS } from '../src/lance/inspect/verify-table.ts';
import type { Plain, Same } from './answer-types.ts';
import { amount, count, leftAlone, reason, share, status, text, time } from './status-schemas.ts';

const uri = text('Folder or URI of the table.');
const version = count('The version of the table.');
const uuid = text('Uuid of the segment.');
const left = z.array(leftAlone).describe('Indexes that are not maintained, where that has to be known.');

export const error = z
  .object({
    error: z.object({
      code: text('One of docs/errors.md.'),
      message: text('What happened to which thing.'),
      hint: text('What to do.'),
    }),
  })
  .meta({ id: 'Error', description: 'In place of an answer, whichever command fails.' });

const cost = z
  .object({
    versions: count('That are kept.'),
    oldest_version_at: time('When the oldest of them was made.'),
    manifest_bytes: count('Of their manifests.'),
    small_fragments: count('Of less than a tenth of the rows that a compaction aims at.'),
    deleted_rows: count('That are still in the data files.'),
    deleted_fraction: share('Their share of all rows.'),
    index_live_bytes: count('Of index files that the latest version names.'),
    index_dead_bytes: count('Of all other index files.'),
  })
  .meta({ id: 'Cost' });

const tiers = z.record(z.string(), z.int().min(0)).describe('Segments by tier, without empty ones.');
const parameter = z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]);

const segment = z.object({
  uuid,
  fragments: count('That it answers for.'),
  rows: count('In them, not deleted.'),
  bytes: count('Of its files; null when the manifest does not say.').nullable(),
  built_from_version: version,
  index_version: count('Of the format.'),
  created_at: time('Null when the manifest does not say.').nullable(),
  tier: z.union([z.int().min(0), z.literal('mature')]).describe('mature: it is merged no more.'),
});

const index = z.object({
  name: text('Name of the index.'),
  column: text('Path of its column.'),
  type: text('Lance’s name of its kind.'),
  parameters: z.record(z.string(), parameter).describe('What its segments are built with.'),
  segments: z.array(segment),
  covered_rows: count('In a segment.'),
  missing_rows: count('In no segment.'),
  missing_fragments: count('In no segment.'),
  held_rows: count('That wait for more, or have nothing to index.'),
  held_fragments: count('Of these rows.'),
  held_for: z.enum(['rows', 'values']).nullable().describe('What they wait for.'),
  stale_fragments: count('That segments name and the table no longer has.'),
  coverage: share('Share of rows covered; 1 only when nothing is missing.'),
  tiers,
  requests_per_lookup: amount('To an object store, of a BTREE; null elsewhere.').nullable(),
});

const leftIndex = z.object({
  name: text('Name of the index.'),
  column: text('Path of its column; null when it is not in the schema.').nullable(),
  type: text('Lance’s name of its kind.'),
  reason,
});

const coverage = {
  coverage: share('Share of rows that every index covers; null without an index.').nullable(),
  missing_rows: count('That at least one index misses.'),
  missing_fragments: count('That at least one index misses.'),
  held_rows: count('That no index misses and at least one holds back.'),
};

export const tableReport = z.object({
  uri,
  version,
  rows: count('That are not deleted.'),
  fragments: count('Of the table.'),
  written_by: text('Which Lance last wrote to it.'),
  engine: text('Which Lance the engine has.'),
  declined: reason.nullable().describe('Why the daemon would not write to it.'),
  ...coverage,
  indexes: z.array(index).describe('Those that segmentd maintains.'),
  left_alone: z.array(leftIndex).describe('Those that it does not.'),
  not_wanted: z.array(z.string()).describe('Indexes that are there, where others are configured.'),
  tiers,
  last_commit: z
    .object({
      version,
      transaction: text('Uuid of the transaction.'),
      operation: text('Of the transaction.'),
      read_version: count('That it was planned on.'),
      properties: z.record(z.string(), z.string()).describe('Its segmentd.* properties.'),
    })
    .nullable()
    .describe('The newest version by segmentd.'),
  looked_back_to: count('The oldest version that was looked at for it.'),
  cost,
  next: z.object({
    segments: z.array(
      z.object({
        index: text('Name of the index.'),
        column: text('Path of its column.'),
        fragments: count('To be indexed.'),
        rows: count('In them.'),
      }),
    ),
    rebuilds: z.boolean().describe('Whether these replace all that their indexes have.'),
    merges: z.array(
      z.object({
        index: text('Name of the index.'),
        column: text('Path of its column.'),
        reason: text('The rule of docs/merging.md.'),
        segments: count('To be merged into one.'),
        rows: count('Of the result.'),
      }),
    ),
    merges_due: count('In all.'),
  }),
});

const tableSummary = z.object({
  table: text('Its name.'),
  version,
  rows: count('That are not deleted.'),
  fragments: count('Of the table.'),
  ...coverage,
  declined: reason.nullable().describe('Why the daemon would not write to it.'),
  indexes: z.array(z.string()).describe('Names of those that segmentd maintains.'),
  left_alone: z.array(leftAlone),
  tiers,
  requests_per_lookup: amount('In the index that takes most; null on a disk.').nullable(),
});
const unreadable = z.object({ table: text('Its name.'), error: reason.describe('Why it cannot be read.') });

export const databaseReport = z.object({
  database: text('Folder or URI of the database.'),
  tables: z.array(z.union([tableSummary, unreadable])),
});

export const configurationReport = z.object({
  databases: z.array(
    z.union([
      databaseReport.extend({ name: text('Of the database in the configuration.') }),
      z.object({
        name: text('Of the database in the configuration.'),
        database: text('Folder or URI of the database.'),
        error: reason.describe('Why it cannot be listed.'),
      }),
    ]),
  ),
});

export const verification = z.object({
  uri,
  version,
  segments: count('That were looked at.'),
  files: count('Of these segments.'),
  answers: count('Conditions compared with a scan.'),
  answers_left_out: count('Conditions that hold for too many rows.'),
  findings: z.array(
    z.object({
      code: z.enum(Object.keys(FINDINGS) as (keyof typeof FINDINGS)[]).describe('What kind of finding.'),
      index: text('Name of the index.'),
      segment: text('Uuid, where it is about one segment.').nullable(),
      message: text('What is wrong.'),
    }),
  ),
});

export const wait = z.object({
  uri,
  version,
  covered: z.boolean().describe('Whether the rows of the version are indexed.'),
  latest_version: count('Null when there was no table.').nullable(),
  waited_ms: amount('Until the answer.'),
  left_alone: left,
});

export const indexed = z.object({
  uri,
  version,
  plan_ms: amount('To read and plan.'),
  publish_ms: amount('To upload.'),
  commit_ms: amount('To commit.'),
  attempts: count('To commit.'),
  indexes: z.array(
    z.object({
      name: text('Name of the index.'),
      column: text('Path of its column.'),
      segment_uuid: uuid,
      fragments: count('That it covers.'),
      rows: count('That it covers.'),
      build_ms: amount('To build it.'),
    }),
  ),
  not_made: z.array(z.string()).describe('Columns without an index as yet, since the table has no rows.'),
  left_alone: left,
});

export const merged = z.object({
  uri,
  version,
  merges: z.array(
    z.object({
      index: text('Name of the index.'),
      column: text('Path of its column.'),
      reason: text('The rule of docs/merging.md.').optional(),
      replaced: z.array(z.string()).describe('Uuids of the segments that are gone.'),
      segment_uuid: uuid,
      fragments: count('That it covers.'),
      rows: count('That it covers.'),
      bytes_in: count('Of the files of the segments that are gone.'),
      bytes_out: count('Of its own files.'),
      build_ms: amount('To build it.'),
      version,
    }),
  ),
  left_alone: left,
});

export const mergeForecast = z.object({
  uri,
  version,
  pending: count('Merges that are due.'),
  merges: z.array(
    z.object({
      index: text('Name of the index.'),
      column: text('Path of its column.'),
      reason: text('The rule of docs/merging.md.'),
      inputs: z.array(z.string()).describe('Uuids of the segments to be replaced.'),
      rows: count('Of the result.'),
      bytes: count('Of the files of the inputs.'),
    }),
  ),
  left_alone: left,
});

const orphans = z.object({
  segments: count('Segments that no version names.'),
  staged: count('Manifests that were not put.'),
  bytes: count('Of both.'),
});
const compaction = z.object({ fragments_removed: count('Compacted.'), fragments_added: count('Made of them.') });

export const optimized = z.object({
  uri,
  version,
  segments_merged: count('That had kept fragments apart.'),
  compaction,
  answers_compared: count('With a scan.'),
  freed: z.object({ versions: count('Cleaned up.'), bytes: count('Of their files.') }),
  peak_memory_bytes: count('Of the process that compacts.'),
  orphans,
  before: cost,
  after: cost,
});

export const optimizeForecast = z.object({
  uri,
  version,
  compaction,
  frees: z.object({
    versions: count('That would go.'),
    manifest_bytes: count('Of their manifests.'),
    index_bytes: count('Null where there is too much to read.').nullable(),
    data_bytes: count('Null where there is too much to read.').nullable(),
  }),
  orphans,
  cost,
});

export const backfill = z.object({
  table: text('<database>/<table>.'),
  version,
  events: count('That share the work out.'),
  rows: count('To cover.'),
  fragments: count('To cover.'),
  parts: z
    .array(
      z.object({
        fragments: count('That the event names.'),
        first: count('The lowest id.').optional(),
        last: count('The highest id.').optional(),
        rows: count('In them.'),
      }),
    )
    .optional()
    .describe('Of --dry-run.'),
  waited: z.boolean().optional().describe('Whether until all of it was covered.'),
  seconds: amount('How long.').optional(),
});

export const announced = z.object({
  table: text('<database>/<table>.'),
  topic: text('That has the event.'),
  time: time('In the event.'),
});

export const steered = z.object({
  table: text('<database>/<table>.'),
  command: z.enum(['pause', 'resume', 'refresh']).describe('What was asked.'),
  via: z.enum(['listener', 'topic']).describe('How it was asked.'),
  daemon: text('The control listener that answered; null over the topic.').nullable(),
  topic: text('That has the command; null over the listener.').nullable(),
  state: text('Of the table, as the daemon says; null over the topic.').nullable(),
  paused: z.boolean().nullable().describe('Likewise.'),
  survives_restart: z
    .boolean()
    .nullable()
    .describe(
      'Of pause: whether it lasts when the process of the daemon ends, as it does on a control topic. Null of others.',
    ),
});

export const examined = z.object({
  ok: z.boolean().describe('Whether there is no error.'),
  checks: z.array(
    z.object({
      check: text('What was looked at, such as broker or store lake.'),
      outcome: z.enum(['ok', 'warning', 'error']).describe('A warning may come right by itself.'),
      code: text('One of docs/errors.md; null when all is fine.').nullable(),
      message: text('What was found.'),
    }),
  ),
});

const letter = {
  position: text('In the dead-letter topic: <partition>:<offset>.'),
  at: time('When it became a dead letter.'),
  code: text('One of docs/errors.md.'),
  message: text('What is wrong with the record.'),
  table: text('That the record names; null where it names none.').nullable(),
  source: z
    .object({
      topic: text('Of the record.'),
      partition: z.int().min(0).describe('Of the record.'),
      offset: text('Of the record.'),
    })
    .nullable()
    .describe('Where the record was; null where the headers do not say.'),
  replayed: z.boolean().describe('Whether it was replayed.'),
  cannot_replay: text('Why it cannot be replayed; null where it can.').nullable(),
};
export const letters = z.object({
  topic: text('The dead-letter topic.'),
  found: count('With those that are left out.'),
  dead_letters: z.array(z.object(letter)),
});
export const oneLetter = z.object({
  ...letter,
  key: text('Of the record.').nullable(),
  headers: z.record(z.string(), z.string()).describe('Of the record.'),
  value: text('Of the record.').nullable(),
});
export const replayed = z.object({
  topic: text('That the records were sent to.'),
  dry_run: z.boolean().describe('Whether nothing was sent.'),
  replayed: z.array(z.string()).describe('Positions of the letters that were sent, or would be.'),
  before: count('That were replayed before.'),
  cannot: z.array(z.object({ position: text('Of the letter.'), reason: text('Why it cannot be replayed.') })),
});

/** By the name of the schema's file, without `command-` and `.json`: what the command may print on standard output. */
export const COMMAND_SCHEMAS: Readonly<
  Record<string, { readonly title: string; readonly answers: readonly z.ZodType[] }>
> = {
  'status-table': { title: 'segmentd status of a table', answers: [tableReport] },
  'status-database': { title: 'segmentd status of a database', answers: [databaseReport] },
  'status-configuration': { title: 'segmentd status of all databases', answers: [configurationReport] },
  'status-daemon': { title: 'segmentd status --daemon', answers: [status] },
  top: { title: 'segmentd top', answers: [status] },
  verify: { title: 'segmentd verify', answers: [verification] },
  wait: { title: 'segmentd wait', answers: [wait] },
  index: { title: 'segmentd index', answers: [indexed] },
  merge: { title: 'segmentd merge, also with --dry-run', answers: [merged, mergeForecast] },
  optimize: { title: 'segmentd optimize, also with --dry-run', answers: [optimized, optimizeForecast] },
  backfill: { title: 'segmentd backfill', answers: [backfill] },
  announce: { title: 'segmentd announce', answers: [announced] },
  'dead-letters': { title: 'segmentd dead-letters list, show and replay', answers: [letters, oneLetter, replayed] },
  doctor: { title: 'segmentd doctor', answers: [examined] },
  pause: { title: 'segmentd pause', answers: [steered] },
  resume: { title: 'segmentd resume', answers: [steered] },
  refresh: { title: 'segmentd refresh', answers: [steered] },
};

// The compiler's check that the schemas say what the commands print.
true satisfies Same<Plain<z.output<typeof error>>, Plain<ErrorAnswer>>;
true satisfies Same<Plain<z.output<typeof tableReport>>, Plain<TableReport>>;
true satisfies Same<Plain<z.output<typeof databaseReport>>, Plain<DatabaseReport>>;
true satisfies Same<Plain<z.output<typeof configurationReport>>, Plain<ConfigurationReport>>;
true satisfies Same<Plain<z.output<typeof verification>>, Plain<Verification>>;
true satisfies Same<Plain<z.output<typeof wait>>, Plain<WaitAnswer>>;
true satisfies Same<Plain<z.output<typeof indexed>>, Plain<IndexAnswer>>;
true satisfies Same<Plain<z.output<typeof merged>>, Plain<MergeAnswer>>;
true satisfies Same<Plain<z.output<typeof mergeForecast>>, Plain<MergeForecast>>;
true satisfies Same<Plain<z.output<typeof optimized>>, Plain<OptimizeAnswer>>;
true satisfies Same<Plain<z.output<typeof optimizeForecast>>, Plain<OptimizeForecast>>;
true satisfies Same<Plain<z.output<typeof backfill>>, Plain<BackfillAnswer>>;
true satisfies Same<Plain<z.output<typeof announced>>, Plain<AnnounceAnswer>>;
true satisfies Same<Plain<z.output<typeof steered>>, Plain<SteerAnswer>>;
true satisfies Same<Plain<z.output<typeof examined>>, Plain<DoctorAnswer>>;
true satisfies Same<Plain<z.output<typeof letters>>, Plain<DeadLettersAnswer>>;
true satisfies Same<Plain<z.output<typeof oneLetter>>, Plain<DeadLetterAnswer>>;
true satisfies Same<Plain<z.output<typeof replayed>>, Plain<ReplayAnswer>>;
