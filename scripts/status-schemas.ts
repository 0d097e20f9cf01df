/** The schemas of `/status` and its tables, checked against the types of `src/control`. */
import * as z from 'zod';
import type { MemberStatus, MemberTable } from '../src/control/member-status.ts';
import { CHANGE_KINDS } from '../src/control/recent-changes.ts';
import type { TableStatus } from '../src/control/table-states.ts';
import { STATES } from '../src/telemetry/metric-catalogue.ts';
import type { Plain, Same } from './answer-types.ts';

export const text = (doc: string) => z.string().describe(doc);
export const time = (doc: string) => z.string().meta({ format: 'date-time', description: doc });
export const count = (doc: string) => z.int().min(0).describe(doc);
export const amount = (doc: string) => z.number().min(0).describe(doc);
export const share = (doc: string) => z.number().min(0).max(1).describe(doc);

export const reason = z
  .object({ code: text('One of docs/errors.md.'), message: text('What happened to which thing.') })
  .meta({ id: 'Reason' });

export const leftAlone = z
  .object({ index: text('Name of the index.'), code: text('One of docs/errors.md.'), message: text('Why.') })
  .meta({ id: 'LeftAlone', description: 'An index that stays as it is while the others of its table are kept fresh.' });

const change = z
  .object({
    at: time('When it was done.'),
    table: text('<database>/<table>.'),
    kind: z
      .enum(CHANGE_KINDS)
      .describe(
        'append: fresh data was indexed; merge: larger segments replaced smaller ones; maintenance: housekeeping.',
      ),
    version: count('The version that it made.'),
    rows: count('Rows that the new segments cover, in the index that got most; 0 of housekeeping.'),
    segments: count('New segments of all indexes; those that housekeeping replaced.'),
    duration_ms: amount('Of the commit, or of the whole run of housekeeping.'),
  })
  .meta({ id: 'Change', description: 'A change that this member made to a table.' });

const deadLetter = z
  .object({
    at: time('When the dead-letter topic had it.'),
    code: text('The reason, one of docs/errors.md.'),
    message: text('What is wrong with the record, with what cannot be seen as \\u{…}.'),
    topic: text('Where the record was.'),
    partition: count('Where the record was.'),
    offset: z.string().regex(/^\d+$/).describe('Where the record was: a number of up to 19 digits.'),
    value: text('The first 80 bytes of its value, with what cannot be seen as \\u{…}.'),
  })
  .meta({ id: 'DeadLetter', description: 'A record that this member sent to the dead-letter topic.' });

const segment = z
  .object({
    uuid: text('Its name in the table.'),
    fragments: count('Fragments of the table that it covers.'),
    rows: count('Rows in them that are not deleted.'),
    version: count('The version that it was built from.'),
    tier: count('0 for the smallest; the highest is merged no more.'),
  })
  .meta({ id: 'Segment' });

const index = z
  .object({
    name: text('Name of the index.'),
    kind: text('Its kind by Lance’s name, such as BTREE or IVF_PQ.'),
    coverage: share('Share of rows covered; 1 only when nothing is missing.'),
    missing_rows: count('Rows that are to be indexed.'),
    held_rows: count('Rows that wait for more of them, or have nothing to index; queries find them without the index.'),
    lag_seconds: amount('How long the oldest missing row waits; 0 when nothing is missing.'),
    segments: z.array(segment).describe('In the order of the manifest.'),
  })
  .meta({ id: 'Index' });

const table = z
  .object({
    table: text('<database>/<table>.'),
    state: z
      .enum(['served', 'paused', 'declined', 'retrying'])
      .describe('paused: an operator holds its events; retrying: work failed and waits for its next try.'),
    version: count('As last read; null before, and while its manifest cannot be read.').nullable(),
    covered_version: count('The last version that all indexes cover; null before, and of a declined table.').nullable(),
    missing_fragments: count(
      'Of the index that misses most; null when that is not known, as of a declined table.',
    ).nullable(),
    held_rows: count('Of the index that holds back most; null when that is not known.').nullable(),
    segments: count('Of all indexes; null when they are not known.').nullable(),
    pause: z
      .object({ since: time('Since when.'), by: text('Who asked for it.') })
      .nullable()
      .describe('The pause in force.'),
    self_check: z
      .object({
        at: time('When it was found.'),
        version: count('Of the commit that was checked.'),
        index: text('Name of the index.'),
        evidence: text(
          'The file that says more, on the host of the member that checked; null when it could not be written.',
        ).nullable(),
      })
      .nullable()
      .describe('The wrong answer because of which the self-check paused it.'),
    declined: reason
      .extend({ accepted: z.boolean().describe('Whether the configuration says that it may stay so.') })
      .nullable()
      .describe('Why segmentd must not write to it.'),
    left_alone: z.array(leftAlone),
    failure: z
      .object({
        code: text('One of docs/errors.md.'),
        message: text('What failed.'),
        count: z.int().min(1).describe('How often in a row.'),
        next_try_at: time('When it is tried again.'),
      })
      .nullable()
      .describe('The failure that it waits after.'),
    rows: count('Rows that are not deleted; null until it was read, and while its manifest cannot be.').nullable(),
    coverage: share('The lowest of its indexes; null without an index, and when it is not known.').nullable(),
    lag_seconds: amount('The most of its indexes; null without an index, and when it is not known.').nullable(),
    observed_at: time('When this member last read it, or tried to and declined it; null before.').nullable(),
    indexes: z.array(index).describe('Those that segmentd maintains.'),
    last_change: change.nullable().describe('The last change by this member.'),
    docs: text('The paragraph in docs/ on why it is declined, retrying, or has an index left alone.').nullable(),
  })
  .meta({ id: 'TableStatus' });

const member = text('Client id, host and process id.');
const adminUrl = text('Where the listener for operators is; null when it is off.').nullable();

export const tableStatus = table;

export const tableDetail = z
  .object({
    ...table.shape,
    member,
    admin_url: adminUrl,
    changes: z.array(change).max(50).describe('By this member, newest first.'),
    history: z
      .array(
        z.object({
          at: time('What the point says holds until the next one.'),
          lag_seconds: amount('The most of that minute.'),
          segments: count('Of all indexes.'),
          coverage: share('The least of that minute; null without an index.').nullable(),
        }),
      )
      .describe('The last six hours, oldest first: a point a minute at most, and none while nothing changes.'),
  })
  .meta({ id: 'TableDetail', description: 'A table with its last hours, as one member knows it.' });

const totals = z
  .object({
    tables: count('That this member knows.'),
    covered: count('With an index, and without a row that one of its indexes misses.'),
    indexed: count('With an index.'),
    served: count('In this state.'),
    retrying: count('In this state.'),
    declined: count('In this state, without those that the configuration accepts.'),
    paused: count('In this state.'),
    left_alone: count('With an index that is left alone.'),
    worst_lag: z
      .object({ table: text('Whose it is.'), seconds: amount('The lag.') })
      .nullable()
      .describe('Null while nothing is missing.'),
    dead_letters_24h: count('Sent by this member in the last 24 hours, to ten minutes, and since its start.'),
    unacked_records: count('Records of this member whose events are not settled.'),
    oldest_unacked_seconds: amount('Age of the oldest of them; null without any.').nullable(),
  })
  .meta({ id: 'Totals' });

const groupView = z
  .object({
    members: z.array(
      z.object({
        member: text('As the member says in its own /status.'),
        host: text('As the broker sees it.'),
        partitions: z.array(z.int().min(0)).describe('Those that it reads, rising.'),
      }),
    ),
    unowned_partitions: z.array(z.int().min(0)).describe('Those that no member reads: all of them while members join.'),
    at: time('When the broker was asked.'),
  })
  .meta({ id: 'GroupView', description: 'What the broker knows of the group.' });

export const status = z
  .object({
    schema: z
      .literal(1)
      .describe('Grows when a field goes away or changes its meaning. Further fields may come at any time.'),
    version: text('Of segmentd.'),
    lancedb: text('Of @lancedb/lancedb, the engine.'),
    member,
    started_at: time('When the process started.'),
    state: z.enum(STATES).describe('As in the metric segmentd_state.'),
    reason: text('Why the consumer is not running; null when it is, or when no reason is known.').nullable(),
    group: text('The consumer group; null without Kafka.').nullable(),
    topic: text('The topic of append events; null without Kafka.').nullable(),
    polls_every_s: amount('Without Kafka: seconds between two looks at a table; null with it.').nullable(),
    partitions: z.array(z.int().min(0)).describe('Those that this member reads, rising.'),
    partition_count: count('Of the topic; null until the broker has told.').nullable(),
    group_view: groupView.nullable().describe('Null until the broker has told.'),
    admin_url: adminUrl,
    at: time('When this answer was made.'),
    view: z.literal('member').describe('Whose view the tables are: that of the member which answers.'),
    totals,
    tables: z.array(table).describe('By name.'),
    paused: z.array(z.string()).describe('Tables that an operator has paused.'),
    recent: z.object({
      changes: z.array(change).max(20).describe('Of all tables, newest first.'),
      dead_letters: z.array(deadLetter).max(20).describe('Newest first.'),
    }),
  })
  .meta({ id: 'Status', description: 'The state of one member of the group, and of the tables that it knows.' });

// The compiler's check that the schemas say what the code gives.
true satisfies Same<Plain<z.output<typeof table>>, Plain<TableStatus>>;
true satisfies Same<Plain<z.output<typeof tableDetail>>, Plain<MemberTable>>;
true satisfies Same<Plain<z.output<typeof status>>, Plain<MemberStatus>>;
