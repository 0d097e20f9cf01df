/** What docs/runbook.md says of each alert, and where it says to look for each error. Severity and time come from the rules, what to do about an error from its hint. */
import type { ErrorCode } from '../src/lib/errors.ts';

/** Sentences, or code blocks, in Markdown. Commands are run by a test on a table that has the fault; `/data/demo/events.lance` is that table. */
type AlertPage = { readonly means: string; readonly look: string; readonly act: string };

const sh = (...lines: string[]) => `\n\n\`\`\`sh\n${lines.join('\n')}\n\`\`\``;
const EVENTS = '/data/demo/events.lance';
const CONFIGURED = 'demo/events -c segmentd.yaml';
const STATUS = 'segmentd status --daemon http://127.0.0.1:9464';

export const ALERT_PAGES: Readonly<Record<string, AlertPage>> = {
  SegmentdDown: {
    means: `Prometheus gets no answer from a member, or has no target of the job \`segmentd\`. The other members of the group take its partitions
over within seconds. With no member left indexes fall behind, and nothing is lost: the events wait in the topic.`,
    look: `The last lines of its log, and the exit code: 78 is the configuration, 69 Kafka or a store, 70 a bug ([all of them](cli.md#exit-codes)).
\`/healthz\` from the machine itself tells whether it runs and only the scrape fails.`,
    act: `Start it again, unless the code is 78: then fix what the log names, and try it with \`segmentd config check\`. A daemon that is gone for
good has to leave the targets of Prometheus.`,
  },
  SegmentdNotRunning: {
    means: `A member answers and does not work on partitions. It has no connection to the brokers, waits for a topic, joins the group or drains;
the summary names the state.`,
    look: `\`/readyz\` says why, and \`stateChanged\` and \`consumerCrashed\` in the log say since when. \`starting\` for long: the brokers.
\`joining\` or \`rebalancing\`: another member comes and goes. \`degraded\`: the consumer crashed and is built again.`,
    act: `Follow the code that the log names: [broker_unavailable](#broker_unavailable), [broker_denied](#broker_denied),
[kafka_topic_missing](#kafka_topic_missing) and [kafka_group_mixed](#kafka_group_mixed) are the usual ones.`,
  },
  SegmentdMembersMissing: {
    means: `The broker counts fewer members in the group than Prometheus has targets that were members within a day. The others have the
partitions of the missing one, and more work each.`,
    look: `Targets that are down in Prometheus; members that are not in the state \`running\`; \`group_id\` of a member that was configured anew.`,
    act: `Start the missing member, or take it out of the targets if it is not to come back. One that is there and not in the group: its log
says why it does not join.`,
  },
  SegmentdPartitionsUnowned: {
    means: `No member reads some partitions of the topic. Events of the tables in them wait; indexes fall behind and nothing is lost.`,
    look: `\`segmentd_group_members\` and \`segmentd_rebalances_total\`: a group that rebalances without end reads nothing. Whether a member of another
program is in the group: [kafka_group_mixed](#kafka_group_mixed).`,
    act: `Start members, or end the one that comes and goes. Partitions that were added to the topic are taken up by themselves within minutes.`,
  },
  SegmentdIndexLag: {
    means: `An index misses rows that were committed more than 30 s ago. Queries still find them, by a scan.`,
    look: `Builds in flight and build time on the dashboard of the table; the lag of its partition in the topic; \`workFailed\` of the table in the
log.${sh(`segmentd status ${EVENTS}`)}`,
    act: `If builds run all the time, the machine is the limit: raise \`concurrency.tables\` where CPUs are idle, or add a member. If one table alone
is behind, its appends are more than one build at a time takes: [share them out](configuration.md#backfill).`,
  },
  SegmentdIndexLagHigh: {
    means: `As [SegmentdIndexLag](#segmentdindexlag), for more than five minutes: queries scan so much that they are slow.`,
    look: `First whether the table is [retrying](#segmentdtableretrying) or the daemon [stalled](#segmentdstalled), then what is under
[SegmentdIndexLag](#segmentdindexlag).`,
    act: `Follow the reason that \`/status\` gives. Where it gives none, one run beside the daemon catches the table up, and does no harm to what
the daemon does meanwhile:${sh(`segmentd index ${EVENTS}`)}`,
  },
  SegmentdStalled: {
    means: `A member has tables that miss rows and has landed no commit for half an hour.`,
    look: `Builds in flight, builds that wait for memory, the oldest unacknowledged record, event-loop lag; when it last did something:
\`recent.changes\` in \`/status\`, the last \`batchCovered\` in the log. Each build and each try of a commit is in the log at the level \`debug\`:
set \`log.level\`, and [have it read](operating.md#reload) by SIGHUP.`,
    act: `If builds in flight stay the same and none ends, save the log and restart the member: Kafka delivers the events again, and no table is
left half written. Builds that wait: raise \`build.memory_bytes\`.`,
  },
  SegmentdOldestUnacked: {
    means: `A record was taken from Kafka more than a quarter of an hour ago and is not settled, though no table of this member is paused or
retrying. Its partition commits no offset past it, so that a restart reads from there again.`,
    look: `The table in the summary; a build that takes long: builds in flight, and no \`batchCovered\` of the table in the log, nor a change of it in
\`recent.changes\` of \`/status\`; a dead-letter topic that is
[not there](#kafka_topic_missing): records that are no events wait for it.`,
    act: `A large first build ends by itself. Otherwise as for [SegmentdStalled](#segmentdstalled).`,
  },
  SegmentdTableRetrying: {
    means: `Work on a table has failed for ten minutes, and is tried again at growing intervals up to \`retry.max_ms\`. Its events wait; other tables
are served.`,
    look: `The reason in \`/status\` and in \`workFailed\`, with the cause below it; its section on this page.${sh(STATUS, `segmentd status ${EVENTS}`)}`,
    act: `Follow the section of the reason. To see the failure at once instead of at the next try, run the work in the foreground:${sh(`segmentd index ${EVENTS}`)}`,
  },
  SegmentdWrongAnswer: {
    means: `A sample of fresh keys was looked up through a segment right after its commit, twice, and an answer was wrong. The table is paused, so that
nothing is built on it; what it has stays as it is, and readers go on using the index.`,
    look: `\`self_check\` of the table in \`/status\` and \`answerWrong\` in the log: version, index, and the file of the evidence, which has the keys, what was
expected and what was found.${sh(STATUS, `segmentd verify ${EVENTS}`)}`,
    act: `Save the evidence and report it: this is a fault of segmentd or of Lance. If \`verify\` finds it too, build the index anew in one segment, verify
again, and resume the table:${sh(`segmentd merge ${EVENTS} --to 1`, `segmentd verify ${EVENTS}`)}

An index of one segment is not merged. Drop it with \`dropIndex\` of LanceDB, and make it anew:${sh(`segmentd index ${EVENTS} --column id`)}`,
  },
  SegmentdSelfChecksFailing: {
    means: `More than three self-checks in an hour could not be made. They say nothing about the tables, which are served as before.`,
    look: `\`selfCheckFailed\` in the log, with the table and the cause.`,
    act: `See [check_failed](#check_failed).`,
  },
  SegmentdBuildsFailing: {
    means: `LanceDB could not build more than two segments in ten minutes, of whichever tables.`,
    look: `Free space in \`state.scratch_dir\` and memory; \`workFailed\` with the cause.`,
    act: `See [build_failed](#build_failed).`,
  },
  SegmentdCommitUnknown: {
    means: `A store failed in the middle of a commit, and did not tell whether it landed. segmentd deleted nothing and read the truth from the table.`,
    look: `\`commitFinished\` with the outcome \`unknown\` names the table; \`segmentd_store_requests_total\` by outcome; the state of the store.`,
    act: `Nothing, if it was once. If it repeats, the store or the network to it is at fault. Files that no version uses are taken away a day later.`,
  },
  SegmentdCommitRetries: {
    means: `Commits meet three times the conflicts of the day: another writer commits often to the same tables. Each conflict costs a try, and no data.`,
    look: `Retries by cause and commit time on the dashboard; which writer makes the versions.${sh(`segmentd status ${EVENTS}`)}`,
    act: `Batch the appends of that writer, or raise \`batch.linger_ms\` so that segmentd commits less often.`,
  },
  SegmentdMergesFailing: {
    means: `Merges of a table failed at least three times in a row. Fresh data is served; segments add up, and lookups slow down with them.`,
    look: `\`mergeFailed\` of the table with code and cause; free space and memory.${sh(`segmentd merge ${EVENTS} --dry-run`)}`,
    act: `Follow the section of the code. To see the failure at once:${sh(`segmentd merge ${EVENTS}`)}`,
  },
  SegmentdManySegments: {
    means: `An index has more than 100 segments for half an hour, and each lookup asks all of them.`,
    look: `Merges pending and \`mergeFailed\`; whether \`merge.concurrency\` is 0; whether the table is behind: merges wait for fresh data.`,
    act: `Merge it now, down to a number of segments if the policy leaves too many. Then raise \`merge.concurrency\` if merges stay
pending:${sh(`segmentd merge ${EVENTS}`, `segmentd merge ${EVENTS} --to 4`)}`,
  },
  SegmentdManyVersions: {
    means: `A table keeps more than 10,000 versions. Each has a manifest with all fragments: they fill the disk, and listings of them slow every open.`,
    look: `The line \`cost\`, and what a run would free:${sh(`segmentd status ${EVENTS}`, `segmentd optimize ${EVENTS} --dry-run`)}`,
    act: `Clean it up once, then let segmentd or the writer do it from time to time ([housekeeping](operating.md#housekeeping)). A reader that stays
on a version that goes fails:${sh(`segmentd optimize ${EVENTS} --keep-versions-for 24h`)}`,
  },
  SegmentdDeadIndexFiles: {
    means: `Segments that merges replaced take more than five times the room of those in use: only old versions name them.`,
    look: `The line \`cost\`, and what a run would free:${sh(`segmentd status ${EVENTS}`, `segmentd optimize ${EVENTS} --dry-run`)}`,
    act: `As for [SegmentdManyVersions](#segmentdmanyversions), with versions kept for a shorter time:${sh(`segmentd optimize ${EVENTS} --keep-versions-for 24h`)}`,
  },
  SegmentdIndexDiskGrowth: {
    means: `The index files of a table, those of old versions too, have more than doubled within a day, by more than 10 GiB.`,
    look: `Whether live or dead bytes grew: live ones grow with the data, dead ones with merges until a cleanup.${sh(`segmentd status ${EVENTS}`)}`,
    act: `Live: plan for more room. Dead: clean up, and set \`maintain.keep_versions_for\`:${sh(`segmentd optimize ${EVENTS} --keep-versions-for 24h`)}`,
  },
  SegmentdSmallFragments: {
    means: `A table has more than 1,000 fragments of less than a tenth of what a compaction aims at: scans open each, and manifests name each.`,
    look: `Who appends so little at a time, and what a compaction would make of it:${sh(`segmentd optimize ${EVENTS} --dry-run`)}`,
    act: `Compact it now, then set \`maintain.compact_when.small_fragments\` or append larger batches:${sh(`segmentd optimize ${EVENTS}`)}`,
  },
  SegmentdTableDeclined: {
    means: `segmentd must not write a table, and says why by a code. It writes nothing to it; queries scan what the indexes miss.`,
    look: `The section of the reason on this page, and the message in \`/status\` or in \`tableDeclined\`.${sh(STATUS, `segmentd status ${CONFIGURED}`)}`,
    act: `Follow that section; the next event or sweep serves the table again. If it is to stay so, [accept it](operating.md#accept-a-declined-table).`,
  },
  SegmentdTablePaused: {
    means: `Somebody paused a table, an hour ago or more. Its events wait unacknowledged, and its partition commits no offset past the first of them.`,
    look: `\`pause\` in \`/status\`: since when and by whom.${sh(STATUS)}`,
    act: `Ask that person. If nobody needs the pause any more, [resume the table](operating.md#pause-and-resume): \`segmentd resume demo/events\`. If the pause is to last, silence the alert.`,
  },
  SegmentdDeadLetters: {
    means: `Records of the topic were no usable append events. They are in the dead-letter topic with their origin; the tables lost nothing, since the
next event or sweep covers what they announced.`,
    look: `\`recent.dead_letters\` in \`/status\`, and the status page, have the last 20 with topic, partition, offset and first bytes;
\`segmentd dead-letters list\` and \`show\` have all of them; the section of the reason on this page. \`eventDeadLettered\` in the log tells of some: one of
a code every 30 s at most, with the number of those left out.`,
    act: `Fix the producer, or the configuration: then [replay the letters](operating.md#dead-letters). A table that gets no other events is caught up by the sweep, or at once by an event:${sh(`segmentd announce ${CONFIGURED}`)}`,
  },
  SegmentdConsumerLag: {
    means: `More than 10,000 records of the topic are not read yet.`,
    look: `Lag by partition: one far above the rest has a hot table, all of them mean too little room. Build time and commit time.`,
    act: `Add a member if there are more partitions than members, else raise \`concurrency.tables\`. A burst of small appends is read faster than it
is written: wait before you change anything.`,
  },
  SegmentdSilent: {
    means: `No record has come for 20 minutes, though a week ago at this hour they came all the time. Quiet times of the week before are no alert, and
there is none in the first week.`,
    look: `Whether anything is written at all; the topic that the producer sends to, and \`kafka.topic\`.`,
    act: `Start the producer again. What was appended without an event is found by the sweep.`,
  },
  SegmentdRebalanceStorm: {
    means: `A member got new partitions more than five times in a quarter of an hour. Work that was begun is done again after each time.`,
    look: `Restarts of members, event-loop lag, \`kafka.session_timeout_ms\`.`,
    act: `Find the member that comes and goes. One that is too busy to send heartbeats needs more CPU, or a lower \`concurrency.tables\`.`,
  },
  SegmentdConsumerRestarts: {
    means: `The Kafka consumer of a member stopped more than three times in a quarter of an hour, and was built again each time.`,
    look: `\`consumerCrashed\` with the cause; the section of the reason on this page; the log of the brokers.`,
    act: `Follow that section. A few after a restart of the brokers are normal.`,
  },
  SegmentdEventLoopLag: {
    means: `The event loop of a member is held up for more than a second: heartbeats and probes are late, and the group may drop it.`,
    look: `CPU of the machine and of its neighbours; the number of tables; scrapes that take long.`,
    act: `Give it more CPU, or lower \`concurrency.tables\`.`,
  },
};

/** Where to look for an error of which its section says too little. */
export const ERROR_LOOKS: Readonly<Partial<Record<ErrorCode, string>>> = {
  usage: 'The line on standard error names the option or the argument.',
  config_unreadable:
    'The path in the message, from the folder that the process was started in; the rights of its user.',
  config_invalid:
    'The message lists each option with its place. `segmentd config check` shows the same without a daemon.',
  engine_unloadable:
    'What the library lacks, in the message: `ls node_modules/@lancedb` shows for which platform one is there.',
  scratch_unusable: 'The folder in the message: whose it is (`ls -ld`), its rights, and those of the folder above it.',
  internal: 'The stack in the last log line, and what came before it.',
  build_failed: 'The cause in `workFailed`; free space in `state.scratch_dir`; memory beside `build.memory_bytes`.',
  build_stale: '`replanned` with its cause in the log; which writer compacts or cleans the table up.',
  commit_contended: '`segmentd_commit_retries_total`; which writer makes versions in a loop.',
  commit_unknown: '`commitFinished` with the outcome `unknown`; the state of the store.',
  optimize_failed: 'The cause in `maintenanceFailed`.',
  optimize_conflict: '`maintenanceFailed`; at which hours the table is updated.',
  optimize_memory: '`maintenanceFailed`; the memory of the machine beside `maintain.max_memory`.',
  optimize_unproven: '`maintenanceFailed` with the answers that differ.',
  store_unavailable:
    '`segmentd_store_requests_total` by outcome; the mount, or the endpoint, from the machine of the daemon.',
  store_denied: 'The path in the message; the rights of the user of the daemon, or the policy of its credentials.',
  store_unfit: 'The database in the message, and which store its endpoint is.',
  store_full: 'Free space and quota of the database, and of `state.scratch_dir`.',
  database_not_found: 'The path in the message.',
  catalog_unreadable: 'The cause in the message; whether LanceDB lists the tables of the database.',
  daemon_unavailable: '`http.host` and `http.port` of the daemon, and whether it runs.',
  wait_invalid: 'The request, in the log of the client.',
  check_failed: '`selfCheckFailed` in the log, with the cause; `segmentd verify` of the table.',
  evidence_unwritable:
    'The folder of `verify.evidence_dir`: whether it is there, full, or read-only; `answerWrong` in the log has the finding.',
  command_invalid: 'The request, in the log of the client.',
  table_paused: 'Who paused the table, and since when: `pause` in `/status`.',
  merging_off: '`merge.concurrency` in the configuration.',
  maintenance_off: '`maintain`, and `tables.<id>.maintain`, in the configuration.',
  owner_elsewhere: '`group_view` in `/status`: which member reads which partition.',
  owner_unknown: '`/readyz` of the member.',
  too_many_waits: 'Which client waits for each version instead of the last.',
  config_without_kafka: 'Whether the command reads the configuration that was meant: `segmentd config print` shows it.',
  too_many_requests:
    'Which address asks so often: the log of a proxy before the daemon, or the connections to the port.',
  http_body_too_large: 'What the client sends with the request.',
  too_many_watchers: 'Which clients keep `/status/events` open: the log of a proxy before the daemon.',
  table_not_known: 'The member that reads the partition of the table: `group_view` in `/status`.',
  http_unauthorized: 'The token that the client sends, and `admin.token` or the file of `admin.token_file`.',
  http_host_unknown:
    'The `Host` of the request: whether a proxy on the machine passes on the name that it was asked by.',
  http_not_found: 'The path and the method, beside docs/http-api.md.',
  broker_unavailable:
    'The brokers in the line `started`; a connection to them from the machine of the daemon; certificates.',
  broker_denied: 'The broker and what it refused, in the message.',
  kafka_topic_missing: 'The topic in the message; whether the credentials may see it.',
  kafka_group_mixed: 'The members of the group, with the tools of the broker.',
  consumer_crashed: 'The cause in `consumerCrashed`; the log of the brokers.',
};

/** What an error means, where its page begins with something else. */
export const ERROR_MEANINGS: Readonly<Partial<Record<ErrorCode, string>>> = {
  build_failed: 'LanceDB could not build a segment of an index. What else the table misses is committed.',
  optimize_failed: 'LanceDB could not compact a table or clean it up. No table is left half compacted.',
  store_unavailable: 'A disk or an object store does not answer, or its answer makes no sense.',
  store_denied: 'A store refuses segmentd the access.',
  broker_denied: 'A broker refuses the credentials, or the access to a topic or to the group.',
  event_not_json: 'The value of a record is no JSON.',
  event_table_outside: 'An event names a table that is in no configured database.',
};
