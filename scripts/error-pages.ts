/** What docs/errors.md says about each code beyond its hint. A code without a text here is a type error. */
import type { ErrorCode } from '../src/lib/errors.ts';

/** The sections of the page, in order. */
export const SECTIONS = {
  start: ['Command line and configuration', 'The process ends before it does any work, except for `internal`.'],
  table: [
    'Tables that are not written',
    `segmentd declines a table that it could damage or give wrong answers for. segmentd writes nothing to that table; \`segmentd status\`
and the metric \`segmentd_tables_declined\` show the reason; other tables are not affected.`,
  ],
  event: [
    'Append events',
    `A record that is not a usable append event goes to the dead-letter topic with its code, its origin and its original bytes, and
is then acknowledged.`,
  ],
  work: ['Work on a table', 'What fails while segmentd serves a table, or answers a question about one.'],
  kafka: ['Kafka', 'What fails between segmentd and the brokers.'],
} as const satisfies Record<string, readonly [title: string, intro: string]>;

type Page = { readonly section: keyof typeof SECTIONS; readonly text: string };

const start = (text: string): Page => ({ section: 'start', text });
const table = (text: string): Page => ({ section: 'table', text });
const event = (text: string): Page => ({ section: 'event', text });
const work = (text: string): Page => ({ section: 'work', text });
const kafka = (text: string): Page => ({ section: 'kafka', text });

export const ERROR_PAGES: Readonly<Record<ErrorCode, Page>> = {
  usage: start(
    'segmentd does not understand the command line: an unknown option, or a table that is not a local directory ending in `.lance`.',
  ),
  config_unreadable: start(
    'The configuration file does not exist or cannot be opened. The environment variable `SEGMENTD_CONFIG` names it when `--config` does not.',
  ),
  config_invalid: start(
    `The configuration breaks its rules, or names a file, folder or port that cannot be used. segmentd lists all problems together,
each with its place and its option. \`segmentd config check\` repeats the check without a daemon.`,
  ),
  engine_unloadable: start(
    `The library of LanceDB is not there or cannot be loaded. npm installs the one of the platform that it runs on: a \`node_modules\` that came from another
platform, or was installed with \`--omit=optional\`, has none. \`segmentd doctor\` loads it as well.`,
  ),
  scratch_unusable: start(
    `The folder for segments before their upload cannot be made or written to. In a folder that several users share, such as \`/tmp\`, it also
has to be a folder of the user of segmentd, or of root, that nobody else writes to, and no link: another user could read or replace what
is built there.`,
  ),
  config_without_kafka: start(
    `The command publishes append events, and the configuration has no \`kafka\`. A daemon without Kafka polls its tables, so that nothing has
to be announced: [operating.md](operating.md#without-kafka).`,
  ),
  internal: start(
    `segmentd met a case that it was not written for. The process ends, and Kafka delivers the unacknowledged records again. The log
line holds the stack.`,
  ),

  table_not_found: table('There is no table at the path: no `_versions/` folder with a manifest in it.'),
  table_unreadable: table(
    `The latest manifest cannot be parsed, or states what no Lance table states, such as the same fragment twice. Open the table with
LanceDB. If that fails too, no engine restores an older version either, since each reads the latest first: move that manifest out of
\`_versions/\`, and the version before it is the latest again. What was written with the damaged one has to be written again.`,
  ),
  table_mixed_version_names: table(
    `\`_versions/\` holds manifests named in both of Lance's schemes, so that the latest version is not defined, and Lance refuses the
table as well. Lance opens one version by number all the same: migrate the names with pylance,
\`lance.dataset(uri, version=1).migrate_manifest_paths_v2()\`, with a version that is there.`,
  ),
  table_unknown_reader_flag: table('Reading the table needs a feature that this segmentd does not know.'),
  table_unknown_writer_flag: table(
    'Writing the table needs a feature that this segmentd does not know; reading does not.',
  ),
  table_mixed_versions_flag: table(
    `The flag for mixed data file versions is set for readers or writers only. Lance calls this manifest corrupt and does not open the
table. Move that manifest out of \`_versions/\`, and the version before it is the latest again.`,
  ),
  table_stable_row_ids: table(
    `The table has stable row ids, and its index records them, as Lance before 14 builds it. An updated row keeps its id, so a new
segment beside an old one would find rows by values that the rows no longer have. An index that Lance 14 or newer makes records row
addresses, and segmentd serves it. \`tables.<id>.stable_row_ids\` says what to do with the others, see
[tables.md](tables.md#stable-row-ids).`,
  ),
  table_mixed_index_versions: table(
    `Some segments of the index record stable row ids and others row addresses. Lance refuses to read such an index. Drop it and create it
again with one Lance, 14 or newer if segmentd is to add to it.`,
  ),
  table_newer_index: table(
    `The index has a version that segmentd does not write, and segments of one index must agree. The Lance that made the index goes on
maintaining it with \`optimize_indices\`.`,
  ),
  table_newer_data_files: table(
    `Everything that segmentd can read of the table is indexed; the fragments that the message names have data files of a newer version.
They stay without an index, and queries scan them. \`optimize_indices\` of the Lance that wrote them indexes them, and segmentd then goes
on with the table; so does a segmentd whose engine is new enough. A compaction alone may pass them over, since it never joins fragments
with and without an index. See [compatibility.md](compatibility.md).`,
  ),
  table_data_overlays: table(
    'Data overlay files change values without changing fragments. Lance itself does not ship them yet.',
  ),
  table_covering_index: table(
    'The table has an index that stores further columns. segmentd does not build those, and the segments of one index must agree.',
  ),
  table_fragment_reuse_index: table(
    `A compaction with deferred remapping left the index \`__lance_frag_reuse\` behind, through which all others have to be read. Build each
other index of the table anew, a BTREE with pylance's \`create_scalar_index(column, "BTREE", replace=True)\` or LanceDB's \`createIndex\`,
and then drop \`__lance_frag_reuse\`; or drop them all and create the others again. Never drop \`__lance_frag_reuse\` alone, not even after
an ordinary compaction: the others then look for rows where they no longer are, and answer wrongly. Compact without deferring from then
on: Lance itself can answer wrongly when an ordinary compaction follows a deferred one (measured with pylance 11 and 14, an index of
several segments and deleted rows).`,
  ),
  table_mem_wal_index: table(
    'The table has a MemWAL. Each commit would have to carry its progress on, and segmentd does not.',
  ),
  table_managed_versioning: table(
    `The catalog that lists the table says \`managed_versioning=true\`, for the table or for a namespace around it, or holds versions of the
table itself. Its versions are those that the catalog knows: what segmentd commits to the store would not be seen, or be taken for another
version. A REST catalog that manages versions leaves no trace in the store: do not give segmentd the folder of one as a database.`,
  ),
  table_legacy_data_files: table(
    `The data files have Lance's first format, whose manifests hold offsets that cannot be copied. Rewrite the table in file format 2.0 or
newer, with pylance \`lance.write_dataset(rows, uri, mode="overwrite", data_storage_version="2.1")\`, and create its indexes again.`,
  ),
  table_needs_migration: table(
    `An old Lance wrote the table. The next commit by a current Lance adds what the manifest leaves out, such as row counts.`,
  ),
  table_data_file_missing: table(
    `The latest version names a data or deletion file that is not in the store: the table is damaged, and queries that read the fragment
fail in every engine. The message has the version, the file and the fragment. Put the file back from a copy of the table. Without a
copy, restore the newest version that does not name it, or, to keep what was written since, delete the fragment by its id with pylance:
\`LanceOperation.Delete(updated_fragments=[], deleted_fragment_ids=[id], predicate="damaged")\`, committed with \`LanceDataset.commit\`.
Look for what deleted it: a cleanup with \`delete_unverified\` beside a running write, or a lifecycle rule of the store. segmentd goes
on with the next event of the table, or the next sweep.`,
  ),
  table_index_unreadable: table(
    `An entry of the index section is damaged: no uuid, no fragment bitmap, or segments of one index that disagree. Drop the named index
and create it again with LanceDB. Of an entry without a uuid no engine opens the indexes, so there is nothing to drop: move the manifest
out of \`_versions/\`, as for \`table_unreadable\`.`,
  ),
  column_not_found: table(
    'The configured or given column is not in the table. A nested column whose inner name has dots is written `` a.`b.c` ``.',
  ),
  column_type_unsupported: table(
    `LanceDB builds no BTREE over that type. The message lists the types that have one: integers, floats, booleans, strings, dates, times,
timestamps and fixed-size binary. Large strings, binary of varying size, decimals, durations, lists, structs (name a column inside)
and dictionaries have none, nor has a timestamp in a time zone of a fixed offset such as \`+05:30\`, nor a column whose name contains a
backquote. Other engines build a BTREE over some of these;
segmentd leaves such an index alone, and declines a table that has no other.

The same goes for each code of an index below: where other indexes of the table can be kept fresh they are, and \`segmentd status\`,
\`/status\`, \`indexesLeftAlone\` in the log and \`segmentd_index_left_alone\` name the one that is not, with the code.`,
  ),
  index_kind_unsupported: table(
    `LanceDB for Node builds no index of this kind. \`segmentd status\` lists the index among those that are left alone; the other indexes of
the table are kept fresh.`,
  ),
  index_kind_by_name: table(
    `New segments keep such an index complete, but answer less well or more slowly than one that is rebuilt: docs/indexes.md has the figures.
So it is left alone until the configuration names it.`,
  ),
  index_parameters_mixed: table(
    `The segments of an index were built with different parameters. A full-text search over such segments fails, and a vector search
compares distances that mean different things.`,
  ),
  index_parameters_differ: table(
    `\`tables.<id>.indexes\` names a parameter with another value than the index in the table has. segmentd never builds a segment that
differs from those beside it. The other indexes of the table are kept fresh.`,
  ),
  index_parameters_unknown: table(
    `The details of an index say something that this segmentd does not know, or that cannot be asked for from Node, so that a segment that
is its like cannot be built. Of other indexes of the table segmentd takes care.`,
  ),
  index_name_taken: table('The index name belongs to another column or to another type of index.'),

  event_empty: event('Tombstones mean nothing to segmentd.'),
  event_too_large: event(
    'The value is larger than `events.max_bytes`. Another program writes to the topic, or the option is set too low.',
  ),
  event_undecodable: event(
    `The record lies in a batch that cannot be unpacked: damaged, or compressed with an unknown codec. The dead letter has no value, but
names the offset. Every record of that batch ends like this; announce the appends again, or let the next event of the table cover
them.`,
  ),
  event_not_json: event('Find the producer by the origin that the dead letter carries.'),
  event_cloudevent_version: event("The `specversion` of the CloudEvent is not 1.0. Update the producer's SDK."),
  event_content_type: event(
    `The content type of a CloudEvent says that its data, or its envelope, is not JSON. Batches of CloudEvents are refused as well:
send one event per record.`,
  ),
  event_invalid: event(
    `A field is missing or of the wrong type, or the key in a notification is not URL-encoded. The message names the field;
[events.md](events.md) shows every accepted form.`,
  ),
  event_table_invalid: event(
    `The value of \`table\` is neither \`<database>/<table>\` nor the URI of a table, or a notification names a manifest in a
folder of a database that is no table.`,
  ),
  event_table_outside: event('If the producer is a bucket, give its notification the database as prefix filter.'),
  event_database_unknown: event(
    'The database in `<database>/<table>` is not configured. Add the database, or fix the producer.',
  ),
  event_table_not_found: event(
    'The database is configured, but no table appeared at that place within `events.version_wait_ms`.',
  ),
  event_version_not_visible: event(
    'The announced version did not appear within `events.version_wait_ms`. Check that writer and segmentd see the same storage.',
  ),

  build_failed: work(
    `The log line holds LanceDB's message as the cause: often disk or a damaged data file. A build that found \`build.memory_bytes\` exhausted by
others was tried again with nothing beside it before it came to this.

Where one index of several cannot be built, the others are committed without it, and the table is tried again, with all that was appended
meanwhile, after \`retry.max_ms\` at the latest. The table is \`retrying\` until then, and the lag of each index tells which one it is.`,
  ),
  build_stale: work(
    `The table moved under the build: a data file disappeared, because a compaction and a cleanup were faster, or what was built no longer fits
the latest version. segmentd wrote nothing. \`segmentd index\` and \`segmentd merge\` end with it after ten builds in a row: run them again when
the table is quieter.`,
  ),
  commit_contended: work(
    `Other writers took the next version \`commit.max_attempts\` times in a row. segmentd removed its files again and tries later. If the error
stays, look for a writer that commits in a loop.`,
  ),
  commit_unknown: work(
    `The store failed in the middle of a commit, and reading the store did not show whether the commit landed. The next plan
reads the truth from the table. Lance's cleanup collects the files if no version uses them.`,
  ),
  optimize_failed: work(
    `Compaction and cleanup run in a process of their own, so that whatever ends it ends nothing else. Each of their steps is a commit of Lance:
a table is never half compacted.`,
  ),
  optimize_conflict: work(
    `A compaction that meets an update or a delete of its fragments is given up as a whole, by Lance. A table that is updated all the time is best
compacted at an hour at which it is not.`,
  ),
  optimize_memory: work(
    `The process that compacted was killed before it took the memory that the rest of the machine needs. Wide rows need more of it than narrow ones.`,
  ),
  optimize_unproven: work(
    `After a compaction, and before the cleanup, answers by the index are compared with a scan. They differed, or a file was not there. Until this is
understood, look for \`maintenanceFailed\` in the log before you clean the table up in another way.`,
  ),
  check_failed: work(
    `The self-check could not look fresh keys up through their segments: a query failed, took longer than a minute, or gave a wrong answer once
and the right one when it was asked again. A check that was not made pauses no table.`,
  ),
  evidence_unwritable: work(
    'The self-check found a wrong answer and paused the table, and could not write what it found into `verify.evidence_dir`.',
  ),
  store_unavailable: work(
    'Check that the disk is mounted, or that the endpoint, the region and the bucket of the object store are right. It may also just be busy.',
  ),
  store_denied: work(
    'segmentd reads the whole table and writes to `_indices/`, `_transactions/` and `_versions/`; in an object store it also lists the bucket, and\nwrites beside the tables. The rights are in [object stores](object-stores.md#rights).',
  ),
  store_unfit: work(
    `Before the first commit to a database in an object store, segmentd creates an object of its own there twice, and the second creation
has to fail. This store let it overwrite the first, or said that it knows no such condition: two writers would both believe that they
made the same version, and one of them would be lost. Nothing is written to the tables of that database. Lance itself needs the condition
as well. Stores that honour it: Amazon S3, Google Cloud Storage, Azure Blob Storage, Cloudflare R2, MinIO, Ceph.`,
  ),
  store_full: work('No space, or no quota, is left on the storage. Work goes on by itself once there is some.'),
  database_not_found: work(
    'The path given to `segmentd status` is not a folder. A path that ends in `.lance` names one table.',
  ),
  catalog_unreadable: work(
    `The \`__manifest\` table, in which LanceDB keeps the tables of a database with namespaces, cannot be read: it is damaged, or of a
newer Lance. The tables that were known stay so, and those in \`<table>.lance\` folders do not need it. segmentd tries again.`,
  ),
  daemon_unavailable: work(
    `A command asked a daemon and got no answer, or one that was not a daemon's. The hint says which address the command wants: \`status\` and \`top\`
go to either listener, \`pause\`, \`resume\` and \`refresh\` to that of \`admin\`. A certificate that is not trusted is named with \`--ca-file\`.`,
  ),
  wait_invalid: work(
    `\`GET /v1/tables/<db>/<table>/wait\` came without a usable \`version\`, with a \`timeout\` that has no unit or is longer than
300 s, or with an unknown parameter.`,
  ),
  command_invalid: work(
    'A command over HTTP has a parameter that it does not take, has it twice, or has a value that it cannot have.',
  ),
  table_paused: work(
    `A paused table is left alone, so that it is neither merged nor optimized, and an operator asked for that. The pause names its origin in
\`segmentd status --daemon\`.`,
  ),
  merging_off: work('`merge.concurrency` is 0, which switches merging off, and an operator asked for a merge.'),
  maintenance_off: work(
    `Nothing says when the table is compacted, or its \`maintain\` is \`off\`, and an operator asked for it. A run also takes old versions away,
so segmentd makes none where nobody chose to have that done.`,
  ),
  owner_elsewhere: work(
    'Another member of the group does the work of the table, and without a control topic a command cannot be sent on to it.',
  ),
  owner_unknown: work(
    'The member that was asked does not know yet which member owns which table. It has just started, or has no broker.',
  ),
  too_many_waits: work(
    '256 waits are open on the HTTP listener, and the next is refused with status 429. `segmentd wait` reads the table itself instead.',
  ),
  too_many_requests: work(
    `One address makes more requests in a second than \`admin.requests_per_s\` allows, with or without the token: nobody guesses it
quickly. The answer is 429 with \`Retry-After\`, and nothing was done.`,
  ),
  http_body_too_large: work(
    `A request carries more than 64 KiB. Nothing that the listeners offer takes a body; the answer is 413 and the connection is closed.`,
  ),
  too_many_watchers: work(
    '64 clients, such as open status pages, listen to `/status/events`, and the next is refused with status 429.',
  ),
  table_not_known: work(
    `\`/status/tables/<db>/<table>\` shows what the member that is asked knows. It has not seen the table since it started, the table was
dropped, or another member of the group serves it. The answer has status 404.`,
  ),
  http_unauthorized: work(
    `A request to the listener for operators carries no token or another one. The answer has status 401. A command takes the token from \`--token-file\`, from
\`SEGMENTD_ADMIN_TOKEN\` or from its configuration, and ends with exit code 77.`,
  ),
  http_host_unknown: work(
    `The listener of \`http\` is at an address that only its own machine reaches, and the \`Host\` of the request is neither an address, \`localhost\`, the
name of the machine, nor in \`http.names\`. A page of any site could read the status by such a request, once its own name leads to 127.0.0.1. The answer
has status 421.`,
  ),
  http_not_found: work('The listener has no such path, or not with this method. The answer has status 404.'),

  broker_unavailable: kafka(
    `No broker answered, or one side refused the other's certificate, which the message tells. segmentd keeps trying: a certificate may be
replaced while the daemon runs.`,
  ),
  broker_denied: kafka('The message names the broker and what it refused.'),
  kafka_topic_missing: kafka(
    `The broker has no topic of this name, or the credentials may not see it. Without the topic of append events segmentd is not ready;
without the dead-letter topic, records that are no events stay unacknowledged; without the control topic, a command over HTTP is in
force only on the member that got it; without the notification topic, notifications are dropped.`,
  ),
  kafka_group_mixed: kafka(
    `The consumer group (\`kafka.group_id\`) has a member of another program, which hands out topics that segmentd does not read, or
hands out partitions in a way that segmentd does not know. Several segmentd daemons may share a group even when their topics differ:
each gets the partitions of its own.`,
  ),
  consumer_crashed: kafka(
    'The Kafka consumer stopped on an error of its own. A few after a broker restart are normal.',
  ),
};
