/**
 * Every way segmentd refuses or fails, as data. A code is also a metric label and a heading of docs/errors.md, which is generated
 * from this table and scripts/error-pages.ts.
 */

/** `never`: trying again gives the same answer. `backoff`: the cause may pass. `after-reload`: plan again from the table. */
type Retry = 'never' | 'backoff' | 'after-reload';

/** The process exit codes, after sysexits.h. 2 is left to the shell, 1 to findings of `verify` and a missed `wait`. */
export const EXIT = {
  ok: 0,
  findings: 1,
  usage: 64,
  declined: 65,
  unavailable: 69,
  bug: 70,
  denied: 77,
  config: 78,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

type ErrorKind = { readonly retry: Retry; readonly exit: ExitCode; readonly hint: string };

const kind = (retry: Retry, exit: ExitCode, hint: string): ErrorKind => ({ retry, exit, hint });
const declined = (hint: string): ErrorKind => kind('never', EXIT.declined, hint);
const badEvent = (hint: string): ErrorKind => kind('never', EXIT.declined, hint);

export const ERRORS = {
  // Command line and configuration.
  usage: kind('never', EXIT.usage, 'Run the command with --help.'),
  config_unreadable: kind('never', EXIT.config, 'Check the path given with --config and that it is readable.'),
  config_without_kafka: kind(
    'never',
    EXIT.config,
    'Set kafka.brokers to have events. A daemon without Kafka polls its tables, so that nothing has to be announced.',
  ),
  config_invalid: kind('never', EXIT.config, 'Fix the listed options; `segmentd config defaults` prints every option.'),
  scratch_unusable: kind(
    'never',
    EXIT.config,
    'Name a folder that is yours alone with --scratch-dir, or as state.scratch_dir in the configuration.',
  ),
  engine_unloadable: kind(
    'never',
    EXIT.config,
    'Install segmentd again on this machine: npm brings the LanceDB of the platform that it runs on, and of no other.',
  ),
  internal: kind('never', EXIT.bug, 'This is a bug in segmentd: report it with the log line.'),

  // Tables that segmentd must not write. The reasons are rules of the Lance table format.
  table_not_found: declined('Check the path: a table is a directory that ends in .lance and holds _versions/.'),
  table_unreadable: declined(
    'The latest manifest cannot be parsed. If LanceDB cannot open it either, move it out of _versions/.',
  ),
  table_mixed_version_names: declined(
    '_versions/ mixes V1 and V2 manifest names. Migrate the names with pylance, from a version opened by number.',
  ),
  table_unknown_reader_flag: declined('The table uses a Lance feature newer than this segmentd. Upgrade segmentd.'),
  table_unknown_writer_flag: declined('The table uses a Lance feature newer than this segmentd. Upgrade segmentd.'),
  table_mixed_versions_flag: declined(
    'The manifest is corrupt: the flag for mixed data file versions is set on one side only. Move it out of _versions/.',
  ),
  table_stable_row_ids: declined(
    'Create the index with Lance 14 or newer, or set stable_row_ids: addresses for a new one, rebuild for one of an older Lance.',
  ),
  table_mixed_index_versions: declined(
    'Drop the index and create it again with one Lance: its segments record different things about a row.',
  ),
  table_newer_index: declined('A newer Lance wrote the index. Upgrade segmentd, or let that Lance maintain it.'),
  table_newer_data_files: declined(
    'A newer Lance wrote data files that the engine cannot read. Upgrade segmentd, or let that Lance index them with optimize_indices.',
  ),
  table_data_overlays: declined('segmentd does not index tables with data overlays, which Lance calls unstable.'),
  table_covering_index: declined(
    'segmentd does not maintain covering indexes. Drop the index, or let optimize() index the table.',
  ),
  table_fragment_reuse_index: declined(
    'Create every other index of the table again, replacing it, and only then drop __lance_frag_reuse.',
  ),
  table_mem_wal_index: declined(
    'segmentd does not maintain the index progress of a MemWAL. Let Lance index the table.',
  ),
  table_managed_versioning: declined(
    'The catalog decides which version is the latest, and segmentd commits to the store. Let Lance index the table.',
  ),
  table_legacy_data_files: declined('Rewrite the table in Lance file format 2.0 or newer.'),
  table_needs_migration: declined(
    'An old Lance wrote this table. Commit to it once with a current LanceDB, then index it.',
  ),
  table_data_file_missing: declined(
    'The table is damaged. Put the file back from a copy, restore a version that does not name it, or delete the fragment.',
  ),
  table_index_unreadable: declined(
    'The index section cannot be trusted. Drop and create the named index with LanceDB.',
  ),
  column_not_found: declined(
    'Name a column of the table; nested columns are written a.b, names with dots in backquotes.',
  ),
  column_type_unsupported: declined(
    'Index another column. An index of another engine over such a column is left alone while the table has others.',
  ),
  index_kind_unsupported: declined(
    'LanceDB for Node cannot build this kind of index: let the Lance that made it maintain it. The other indexes of the table are served.',
  ),
  index_kind_by_name: declined(
    'Name the index in tables.<id>.indexes, with its kind, once you have read in docs/indexes.md what new segments do to its answers.',
  ),
  index_parameters_mixed: declined(
    'Queries on such an index fail or mislead. Drop it and create it again: segmentd keeps what it finds.',
  ),
  index_parameters_differ: declined('Correct tables.<id>.indexes, or drop the index so that segmentd makes it anew.'),
  index_parameters_unknown: declined(
    'The index was built with what LanceDB for Node cannot be told: let the writer that made it maintain it. The other indexes of the table are served.',
  ),
  index_name_taken: declined('The name belongs to an index of another type or column. Choose another name.'),

  // Append events. Each of these sends the record to the dead-letter topic.
  event_empty: badEvent('The record has no value. Announce appends with a JSON object.'),
  event_too_large: badEvent('An append event is a few hundred bytes. Another program writes to the topic.'),
  event_undecodable: badEvent(
    'The batch on the broker is damaged or has an unknown codec. Check the producer of the batch.',
  ),
  event_not_json: badEvent('The value is not JSON in UTF-8. Check the producer of the record.'),
  event_cloudevent_version: badEvent('Send CloudEvents of specversion 1.0.'),
  event_content_type: badEvent(
    'Send the event as JSON: application/json, or application/cloudevents+json with envelope.',
  ),
  event_invalid: badEvent('The value is JSON but not an append event; docs/events.md shows every accepted form.'),
  event_table_invalid: badEvent('Name the table as <database>/<table>, or as a URI inside a configured database.'),
  event_table_outside: badEvent(
    'The table lies outside the configured databases. Add the database to the configuration if it should be served.',
  ),
  event_database_unknown: badEvent('Add the database to `databases` in the configuration.'),
  event_table_not_found: badEvent('There is no table at that place. Announce appends after the table was created.'),
  event_version_not_visible: badEvent(
    'The announced version did not appear in time. Announce after the append has returned.',
  ),

  // Work on a table.
  build_failed: kind(
    'backoff',
    EXIT.unavailable,
    'LanceDB could not build the segment; the message has the cause. If memory ran out, raise build.memory_bytes, or --memory.',
  ),
  build_stale: kind(
    'after-reload',
    EXIT.unavailable,
    'The table moved under the build; segmentd plans the work again.',
  ),
  commit_contended: kind(
    'backoff',
    EXIT.unavailable,
    'Other writers took each next version first. segmentd tries again later.',
  ),
  commit_unknown: kind(
    'backoff',
    EXIT.unavailable,
    'The store did not say whether the commit landed. Nothing was deleted.',
  ),
  optimize_failed: kind(
    'backoff',
    EXIT.unavailable,
    'LanceDB could not optimize the table; the message has the cause. What segmentd and LanceDB had committed by then stays.',
  ),
  optimize_conflict: kind(
    'backoff',
    EXIT.unavailable,
    'Another writer changed what was to be compacted. segmentd tries again when the table is quieter.',
  ),
  optimize_memory: kind(
    'backoff',
    EXIT.unavailable,
    'The compaction took more memory than it may. Raise maintain.max_memory, or --max-memory.',
  ),
  optimize_unproven: kind(
    'backoff',
    EXIT.unavailable,
    'Run `segmentd verify`. No version was cleaned up, so an older one can be restored.',
  ),

  check_failed: kind(
    'backoff',
    EXIT.unavailable,
    'Nothing follows for the table, which is served as before. If it repeats, run `segmentd verify` on the table.',
  ),
  evidence_unwritable: kind(
    'backoff',
    EXIT.unavailable,
    'The table is paused all the same: run `segmentd verify` on it. Check verify.evidence_dir.',
  ),

  store_unavailable: kind(
    'backoff',
    EXIT.unavailable,
    'The store did not answer as expected. Check that it is reachable.',
  ),
  store_denied: kind(
    'backoff',
    EXIT.unavailable,
    'segmentd may not read or write there. Check ownership and permissions.',
  ),
  store_unfit: declined(
    'The store overwrites objects that are to be created only. Use a store that honours If-None-Match.',
  ),
  store_full: kind('backoff', EXIT.unavailable, 'The disk is full. Free some space, or raise the quota.'),

  database_not_found: kind(
    'never',
    EXIT.declined,
    'Check the path: a database is a folder that holds <table>.lance folders.',
  ),
  catalog_unreadable: kind(
    'backoff',
    EXIT.unavailable,
    'The __manifest table of a database cannot be read; the message has the cause. Its tables in namespaces wait.',
  ),
  daemon_unavailable: kind(
    'backoff',
    EXIT.unavailable,
    'No daemon answered there. Give the address of its status, http.host and http.port; commands go to that of admin.',
  ),

  wait_invalid: kind('never', EXIT.usage, 'Ask with version=N, 1 or more, and timeout=30s or another time up to 300s.'),
  command_invalid: kind(
    'never',
    EXIT.usage,
    'A merge takes to=N, 1 or more; pause and resume take force=true; no command takes another parameter.',
  ),
  table_paused: kind('never', EXIT.unavailable, 'Resume the table first.'),
  merging_off: kind(
    'never',
    EXIT.unavailable,
    'Set merge.concurrency to 1 or more, or run `segmentd merge` on the table.',
  ),
  maintenance_off: kind(
    'never',
    EXIT.unavailable,
    'Set maintain.optimize_every, for all tables or in tables.<id>.maintain, or run `segmentd optimize` on the table.',
  ),
  owner_elsewhere: kind(
    'never',
    EXIT.unavailable,
    'Set kafka.control_topic, over which members send such a command on, or ask the member that has the partition of the table.',
  ),
  owner_unknown: kind(
    'backoff',
    EXIT.unavailable,
    'This member has yet to join its group. Ask again when /readyz answers with 200.',
  ),
  too_many_waits: kind('backoff', EXIT.unavailable, 'Wait for the last of several versions instead of for each.'),
  too_many_requests: kind('backoff', EXIT.unavailable, 'Ask less often, or raise admin.requests_per_s.'),
  http_body_too_large: kind('never', EXIT.usage, 'Send no body: what is asked is in the path and the query.'),
  too_many_watchers: kind('backoff', EXIT.unavailable, 'Close some pages, or ask for /status now and then.'),
  table_not_known: kind(
    'never',
    EXIT.usage,
    'Ask the member that owns its partition: group_view in /status names them.',
  ),
  http_unauthorized: kind('never', EXIT.denied, 'Send the header Authorization: Bearer with the token of admin.token.'),
  http_host_unknown: kind(
    'never',
    EXIT.usage,
    'Ask by address, as localhost or by the name of the machine, or set http.names to the name that a proxy passes on.',
  ),
  http_not_found: kind('never', EXIT.usage, 'Check the path and the method: docs/http-api.md lists them all.'),

  // Kafka.
  broker_unavailable: kind(
    'backoff',
    EXIT.unavailable,
    'No Kafka broker answered, or TLS failed: the cause is in the message. Check kafka.brokers and kafka.ssl.',
  ),
  broker_denied: kind(
    'never',
    EXIT.unavailable,
    'The broker refused the credentials or the access. Check kafka.sasl and the ACLs.',
  ),
  kafka_topic_missing: kind(
    'backoff',
    EXIT.unavailable,
    'Create the topic, or set kafka.create_topics.enabled. segmentd goes on as soon as it is there.',
  ),
  kafka_group_mixed: kind(
    'backoff',
    EXIT.unavailable,
    'Another program shares the consumer group. Give segmentd a kafka.group_id of its own.',
  ),
  consumer_crashed: kind(
    'backoff',
    EXIT.unavailable,
    'segmentd builds the Kafka consumer again. If this repeats, check the brokers.',
  ),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

/** Whether an error with this code declines one table, and leaves the others alone. */
export function declinesTable(code: ErrorCode): boolean {
  return ERRORS[code].exit === EXIT.declined && !code.startsWith('event_');
}

const DAMAGE: ReadonlySet<ErrorCode> = new Set([
  'table_unreadable',
  'table_data_file_missing',
  'table_index_unreadable',
  'table_mixed_version_names',
]);

/** Whether the code says that a table has been harmed, where the others that decline one say what segmentd does not serve. */
export const isDamage = (code: ErrorCode): boolean => DAMAGE.has(code);

/**
 * The one error class. `message` says what happened to which thing; `hint` tells an operator what to do: that of the code, unless the
 * place where the error comes up knows better, such as what an option is called there.
 */
export class SegmentdError extends Error {
  override readonly name = 'SegmentdError';
  readonly code: ErrorCode;
  readonly retry: Retry;
  readonly exit: ExitCode;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown; hint?: string | undefined }) {
    super(message, options);
    this.code = code;
    this.retry = ERRORS[code].retry;
    this.exit = ERRORS[code].exit;
    this.hint = options?.hint ?? ERRORS[code].hint;
  }
}

/** The errno of a Node system error, or undefined. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Wraps anything thrown as a SegmentdError; one that already is stays itself. */
export function asSegmentdError(error: unknown, code: ErrorCode = 'internal'): SegmentdError {
  return error instanceof SegmentdError ? error : new SegmentdError(code, messageOf(error), { cause: error });
}
