/**
 * Every option of segmentd. Adding one is a line here (or in the file of its section): the YAML key, the environment
 * variable, the reference page and config/defaults.yaml follow from it.
 */
import * as z from 'zod';
import { LEAST_SORT_BYTES } from '../lib/byte-size.ts';
import { TOKEN_PATTERN, tokenProblem } from '../lib/operators-token.ts';
import { ownTemporaryFolder, ownTemporaryText, SCRATCH_NAME } from '../lib/own-folder.ts';
import { databases, tables } from './database-options.ts';
import { kafka } from './kafka-options.ts';
import { maintain } from './maintain-options.ts';
import { checkedText, milliseconds, option, path, pathText, secret, section, text } from './option.ts';
import { verify } from './verify-options.ts';

const VERSION_WAIT_MS = 10_000; // a local append is visible at once; this is for announcing just before the commit
const EVENT_MAX_BYTES = 1_048_576; // Kafka's default for a record; an append event is a few hundred bytes
const PARALLEL_TABLES = 4; // LanceDB threads each build by itself; more than a few only compete
const LINGER_MS = 0; // idle tables gain no delay, busy ones batch while a build runs
const BATCH_MAX_ROWS = 5_000_000; // a build of a few seconds, so that a table never waits long for its next commit
const BATCH_MAX_FRAGMENTS = 10_000; // keeps the manifest of the fragment view in the low megabytes
const VECTOR_MIN_ROWS = 10_000; // LanceDB searches so many rows without an index in milliseconds, and models of fewer are poor
const MERGE_FLOOR_ROWS = 5_000; // this one and the next four: docs/decisions/merge-policy.md, for object stores the page beside it
export const MERGE_FACTOR = { disk: 7, objectStore: 3 };
const MERGE_MAX_FACTOR = 64;
const MERGE_MAX_SEGMENT_ROWS = 200_000_000;
const MERGE_MAX_SEGMENTS = { disk: 20, objectStore: 10 };
const MERGE_CONCURRENCY = 1; // LanceDB's builder uses several threads itself
const MERGE_PAUSE_LAG_S = 5; // a busy table is behind by a build now and then; more means it needs the machine
const BACKFILL_THRESHOLD_ROWS = 10_000_000; // some seconds of building: less is done sooner than it is shared out
const BACKFILL_ROWS_PER_SEGMENT = 2_000_000; // half a second of building, so that a lost member costs little
const COMMIT_MAX_ATTEMPTS = 100; // a thousand workers on one table lose half as many: docs/performance.md
const COMMIT_BACKOFF_MS = 20; // about one manifest write on local disk
const RETRY_INITIAL_MS = 500; // lets a blip pass unnoticed
const RETRY_MAX_MS = 60_000; // a repaired table is served within a minute
export const ADMIN_PORT = 9_465; // beside the metrics
const ADMIN_REQUESTS_PER_S = 200; // writers that wait for each append; a guess at a token has no more
export const HTTP_HOST = '127.0.0.1'; // metrics are for other hosts only where the operator says so
const HTTP_PORT = 9_464; // the port OpenTelemetry's Prometheus exporters use
const MAX_TABLES = 200; // about 10 series each: 2,000, a fraction of what a scrape can hold
/** From the most talkative on. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
const DRAIN_MS = 20_000; // leaves 10 s of the 30 s that Kubernetes grants for commits and leaving the group

/** Why a URL is not that of a collector, or undefined. It is printed, so it has no place for a password. */
function collectorProblem(text: string): string | undefined {
  const url = URL.parse(text);
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') return 'is no URL such as http://localhost:4318';
  if (text.includes('@')) return 'has a user in it: send the password as a header, with OTEL_EXPORTER_OTLP_HEADERS';
  return url.search || url.hash ? 'has more than a host and a path' : undefined;
}

/** What is shown of a default that depends on where a table lies; a value that is set holds everywhere. */
const byStore = ({ disk, objectStore }: { disk: number; objectStore: number }) =>
  `<${disk}, or ${objectStore} on an object store>`;

/** Without a port. */
const HOST_NAME = String.raw`^[A-Za-z0-9_](?:[A-Za-z0-9_.\-]*[A-Za-z0-9_])?\.?$`;
const hostNameProblem = (name: string) =>
  new RegExp(HOST_NAME).test(name)
    ? undefined
    : 'is no name of a host, such as segmentd.example.com, without scheme and port';

export const schema = section('segmentd', {
  databases,
  tables,
  kafka,
  events: section('Append events.', {
    version_wait_ms: option(
      milliseconds(0).default(VERSION_WAIT_MS),
      'How long to wait for an announced version to become visible before the event is dead-lettered.',
    ),
    max_bytes: option(
      z.int().min(1_024).max(104_857_600).default(EVENT_MAX_BYTES),
      'Largest value of an event record.',
    ),
  }),
  concurrency: section('How much runs at once.', {
    tables: option(z.int().min(1).max(256).default(PARALLEL_TABLES), 'Tables built at the same time; one build each.'),
  }),
  build: section('Building a segment.', {
    memory_bytes: option(
      z.int().min(LEAST_SORT_BYTES).max(Number.MAX_SAFE_INTEGER).optional(),
      'Memory that all builds and merges sort in. As many run at once as fit, whatever `concurrency.tables` and `merge.concurrency` allow. ' +
        'The default is a quarter of the memory that the process may use, from 128 MiB to 2 GiB. LANCE_MEM_POOL_SIZE takes precedence.',
      { defaultText: '<a quarter of the memory>' },
    ),
  }),
  batch: section('What goes into one segment.', {
    linger_ms: option(milliseconds(0).default(LINGER_MS), 'How long an idle table waits for more events.'),
    min_interval_ms: option(
      milliseconds(0).optional(),
      'Least time between the commits of one table; what arrives meanwhile joins the next batch. The default is 0 on a disk, and a ' +
        'second on an object store, where all writers of a table together have one to four commits a second.',
      { defaultText: '<0, or 1000 on an object store>' },
    ),
    max_rows: option(z.int().min(1).max(4_294_967_296).default(BATCH_MAX_ROWS), 'Rows after which a batch is closed.'),
    max_fragments: option(
      z.int().min(1).max(1_000_000).default(BATCH_MAX_FRAGMENTS),
      'Fragments after which a batch is closed.',
    ),
  }),
  vector: section('Vector indexes.', {
    min_rows: option(
      z.int().min(1).max(4_294_967_296).default(VECTOR_MIN_ROWS),
      'Rows that a vector index has to miss before a segment is built. Until then LanceDB searches them without the index, so that queries ' +
        'find them; the next batch takes them along.',
    ),
  }),
  merge: section('Small segments become larger ones, in the background.', {
    floor_rows: option(
      z.int().min(1).max(4_294_967_296).default(MERGE_FLOOR_ROWS),
      'Segments with fewer rows count as one tier: below it a merge costs a commit, whatever the rows.',
    ),
    factor: option(
      z.int().min(2).max(100).optional(),
      'How much larger each tier is, and how many segments of a tier make a merge due. Full-text indexes have the default of an object store on a disk, too.',
      { defaultText: byStore(MERGE_FACTOR) },
    ),
    max_factor: option(z.int().min(2).max(1_000).default(MERGE_MAX_FACTOR), 'Most segments merged into one.'),
    max_segment_rows: option(
      z.int().min(1).max(4_294_967_296).default(MERGE_MAX_SEGMENT_ROWS),
      'Most rows that a merge gives a segment; about that large it is left alone.',
    ),
    max_segments: option(
      z.int().min(1).max(1_000).optional(),
      'Most segments of one index. More force the cheapest merge. Every lookup opens each segment; in an object store that is three requests. Full-text indexes have the default of an object store on a disk, too.',
      { defaultText: byStore(MERGE_MAX_SEGMENTS) },
    ),
    concurrency: option(
      z.int().min(0).max(64).default(MERGE_CONCURRENCY),
      'Merges at once, beside the builds of fresh data; 0 switches merging off.',
    ),
    pause_lag_s: option(
      z.number().min(0).max(86_400).default(MERGE_PAUSE_LAG_S),
      'A table whose fresh data waits longer than this is not merged until it is covered.',
    ),
  }),
  maintain,
  verify,
  backfill: section('First builds of an index, and other tables that miss many rows at once.', {
    threshold_rows: option(
      z.int().min(1).max(Number.MAX_SAFE_INTEGER).default(BACKFILL_THRESHOLD_ROWS),
      'A table that misses more rows than this is shared out to the whole group, as events that name fragments.',
    ),
    rows_per_segment: option(
      z.int().min(1).max(4_294_967_296).default(BACKFILL_ROWS_PER_SEGMENT),
      'Rows of one such event, and of the segment it leads to.',
    ),
  }),
  commit: section('Commits of segments.', {
    max_attempts: option(
      z.int().min(1).max(1_000).default(COMMIT_MAX_ATTEMPTS),
      'Conflicts over the next version before a batch is given up, and built again later.',
    ),
    backoff_ms: option(
      milliseconds(0).default(COMMIT_BACKOFF_MS),
      'First wait after a conflict, at most, and no longer than an attempt takes; doubles with each, up to 32 times what an attempt takes, within 1 to 30 s.',
    ),
  }),
  retry: section('Work on a table that failed and may succeed later.', {
    initial_ms: option(milliseconds(1).default(RETRY_INITIAL_MS), 'Wait after the first failure; doubles with each.'),
    max_ms: option(milliseconds(1).default(RETRY_MAX_MS), 'Longest wait between two attempts.'),
  }),
  sweep: section('Plans of every table at an interval, without an event.', {
    interval_s: option(
      z.int().min(0).max(604_800).optional(),
      'Time between sweeps, jittered by a tenth; the first comes at start. In a group each table is swept by one member. Without Kafka the ' +
        'sweep is what finds appends. With Kafka it finds what was not announced, and 0 switches it off.',
      { defaultText: '<600, or 10 without Kafka>' },
    ),
  }),
  admin: section('The HTTP listener for operators. On when a token is set.', {
    host: option(text().default(HTTP_HOST), 'Address to listen on.'),
    port: option(z.int().min(0).max(65_535).default(ADMIN_PORT), 'Port to listen on; 0 takes a free one.'),
    token: secret(
      'Token that requests carry as `Authorization: Bearer …`, in printable ASCII; or use `token_file`. One of fewer than 16 characters is warned of.',
      checkedText(tokenProblem, TOKEN_PATTERN),
    ),
    token_file: path(pathText().optional(), 'File that holds the token; one trailing newline is dropped.'),
    cert_file: path(
      pathText().optional(),
      'PEM file of the certificate to speak TLS with, and those of its authorities; goes with `key_file`. Both are read again when they change.',
    ),
    key_file: path(pathText().optional(), 'PEM file of the key of `cert_file`.'),
    socket: path(
      pathText().optional(),
      'Unix socket to listen on instead of `host` and `port`. Requests carry the token all the same.',
    ),
    socket_access: option(
      z.enum(['owner', 'group']).default('owner'),
      'Who may connect to `socket`: the user of the daemon (mode 0600), or its group too (0660).',
    ),
    requests_per_s: option(
      z.int().min(1).max(100_000).default(ADMIN_REQUESTS_PER_S),
      'Requests that one address may make in a second; more are answered with 429.',
    ),
  }),
  state: section('Files segmentd keeps for itself.', {
    scratch_dir: path(
      pathText().default(() => ownTemporaryFolder(SCRATCH_NAME)),
      'Folder for segments before their upload, and for fragment views where memory has no place for them. What a killed segmentd left in it goes at start. In a folder that several users share, such as `/tmp`, ' +
        'it has to be one of the user of segmentd that nobody else writes to, and no link.',
      ownTemporaryText(SCRATCH_NAME),
    ),
  }),
  http: section('The server for metrics and probes.', {
    host: option(text().default(HTTP_HOST), 'Address to listen on.'),
    port: option(z.int().min(0).max(65_535).default(HTTP_PORT), 'Port to listen on; 0 takes a free one.'),
    names: option(
      z.array(checkedText(hostNameProblem, HOST_NAME)).default([]),
      'Names by which requests may call the listener in `Host` while `host` is an address of this machine alone, such as 127.0.0.1: those that ' +
        'a reverse proxy on it passes on. Addresses, `localhost` and the name of the machine are always taken.',
    ),
    page: option(z.boolean().default(true), 'Whether both listeners serve the status page.'),
    anonymous: option(
      z.boolean().default(true),
      'Whether `/status` and what is below it is shown without a token. `false` asks for that of `admin`; the probes and `/metrics` stay open.',
    ),
  }),
  log: section('The log on standard output.', {
    level: option(z.enum(LOG_LEVELS).default('info'), 'Least level that is written.'),
    format: option(z.enum(['json', 'pretty']).default('json'), 'JSON lines for machines or plain lines for people.'),
  }),
  metrics: section('Prometheus metrics.', {
    max_tables: option(
      z.int().min(0).max(10_000).default(MAX_TABLES),
      'Tables with series of their own; the rest is summed under `other`. 0 names no table.',
    ),
  }),
  tracing: section(
    'Traces of batches, over OTLP/HTTP: docs/tracing.md. What is not set here is what the `OTEL_…` variables say.',
    {
      enabled: option(z.boolean().default(false), 'Whether batches are traced. OpenTelemetry is loaded only then.'),
      endpoint: option(
        checkedText(collectorProblem, String.raw`^https?://[^\s@?#]+$`).optional(),
        'Base URL of the collector, to which `/v1/traces` is added.',
        { defaultText: '<OTEL_EXPORTER_OTLP_ENDPOINT, or http://localhost:4318>' },
      ),
      service_name: option(text().optional(), 'Name of the service in the traces.', {
        defaultText: '<OTEL_SERVICE_NAME, or segmentd>',
      }),
      sample_ratio: option(
        z.number().min(0).max(1).optional(),
        'Share of traces that are kept, of those that begin here. One that a producer began is kept if the producer keeps it.',
        { defaultText: '<OTEL_TRACES_SAMPLER, or 1>' },
      ),
    },
  ),
  shutdown: section('How the daemon stops.', {
    drain_ms: option(milliseconds(0).default(DRAIN_MS), 'How long running work may finish after the first signal.'),
  }),
});

type DeepReadonly<T> = T extends readonly (infer U)[]
  ? readonly DeepReadonly<U>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** The configuration: snake_case like the file, every default filled in, paths absolute, deeply frozen. */
export type Config = DeepReadonly<z.output<typeof schema>>;
