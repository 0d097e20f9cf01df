import { describe, expect, test } from 'vitest';
import { LEAVES, loadConfig } from '../../../src/config/load.ts';
import { RULES } from '../../../src/config/rules.ts';
import { mergeSchedule } from '../../../src/daemon/pipeline-context.ts';
import { DEFAULT_MERGE, DEFAULT_MERGE_REMOTE } from '../../../src/merge/policy/tiered.ts';

const load = (env: Record<string, string>) =>
  loadConfig({ env: { SEGMENTD_DATABASES: '{lake: /data/lake}', ...env }, cwd: '/' });

const BROKER = { SEGMENTD_KAFKA_BROKERS: 'a:9092' };
const tableAt = (uri: string) => ({ id: 'lake/t', database: 'lake', name: 't', uri });

const sasl = (rest: Record<string, string>) =>
  Object.fromEntries(Object.entries(rest).map(([key, value]) => [`SEGMENTD_KAFKA_SASL_${key}`, value]));

describe('accepted', () => {
  test.each<[string, Record<string, string>]>([
    ['a heartbeat of a third of the session', { SEGMENTD_KAFKA_HEARTBEAT_INTERVAL_MS: '10000' }],
    ['a fetch just shorter than a request', { SEGMENTD_KAFKA_MAX_WAIT_MS: '9999' }],
    ['a drain that just fits the session', { ...BROKER, SEGMENTD_SHUTDOWN_DRAIN_MS: '20000' }],
    ['any drain where there is no session', { SEGMENTD_SHUTDOWN_DRAIN_MS: '20001' }],
    ['no sweep beside events', { ...BROKER, SEGMENTD_SWEEP_INTERVAL_S: '0' }],
    ['a token for the status', { SEGMENTD_ADMIN_TOKEN: 't', SEGMENTD_HTTP_ANONYMOUS: 'false' }],
    ['TLS for operators', { SEGMENTD_ADMIN_TOKEN: 't', SEGMENTD_ADMIN_CERT_FILE: 'c', SEGMENTD_ADMIN_KEY_FILE: 'k' }],
    [
      'one port, where a socket is the other',
      { SEGMENTD_ADMIN_TOKEN: 't', SEGMENTD_ADMIN_SOCKET: 's', SEGMENTD_HTTP_PORT: '9465' },
    ],
    [
      'a socket beside the defaults, written out',
      {
        ...{ SEGMENTD_ADMIN_TOKEN: 't', SEGMENTD_ADMIN_SOCKET: 's', SEGMENTD_ADMIN_SOCKET_ACCESS: 'group' },
        ...{ SEGMENTD_ADMIN_HOST: '127.0.0.1', SEGMENTD_ADMIN_PORT: '9465' },
      },
    ],
    ['access to a socket that is not there, as by default', { SEGMENTD_ADMIN_SOCKET_ACCESS: 'owner' }],
    ['equal retry waits', { SEGMENTD_RETRY_INITIAL_MS: '60000' }],
    ['as many inputs as make a merge due', { SEGMENTD_MERGE_MAX_FACTOR: '7' }],
    ['mature just above the floor', { SEGMENTD_MERGE_MAX_SEGMENT_ROWS: '5001' }],
    ['a free port for each listener', { SEGMENTD_ADMIN_TOKEN: 't', SEGMENTD_ADMIN_PORT: '0', SEGMENTD_HTTP_PORT: '0' }],
    ['a port of its own for a listener that is off', { SEGMENTD_HTTP_PORT: '9465' }],
    [
      'one port on two addresses',
      { SEGMENTD_ADMIN_TOKEN: 't', SEGMENTD_HTTP_PORT: '9465', SEGMENTD_HTTP_HOST: '10.0.0.1' },
    ],
    ['databases side by side', { SEGMENTD_DATABASES: '{a: /data/lake, b: /data/lake2, c: /data/..lake}' }],
    [
      'object stores side by side, and beside folders',
      { SEGMENTD_DATABASES: '{a: s3://b/lake, b: s3://b/lake2, c: gs://b/lake, d: /b/lake, e: az://b}' },
    ],
    ['an object store that is named like the scratch folder', { SEGMENTD_DATABASES: '{a: s3://tmp/segmentd}' }],
    ['a table of a configured database', { SEGMENTD_TABLES: '{lake/t: {indexes: [{column: a}, {column: b}]}}' }],
    ...[
      '{column: body, kind: fts}, {column: body, kind: fm}',
      '{column: body}, {column: body, kind: fts}',
      '{column: body, kind: fm, name: body_idx}, {column: body, kind: fts}',
      // What these are says the table.
      '{column: a, name: x}, {column: a, name: y}',
    ].map((indexes): [string, Record<string, string>] => [
      `the indexes ${indexes}`,
      { SEGMENTD_TABLES: `{lake/t: {indexes: [${indexes}]}}` },
    ]),
    ['a password', sasl({ MECHANISM: 'plain', USERNAME: 'u', PASSWORD: 'p' })],
    ['a password file', sasl({ MECHANISM: 'scram-sha-512', USERNAME: 'u', PASSWORD_FILE: '/p' })],
    [
      'a client certificate',
      { SEGMENTD_KAFKA_SSL_ENABLED: 'true', SEGMENTD_KAFKA_SSL_CERT_FILE: '/c', SEGMENTD_KAFKA_SSL_KEY_FILE: '/k' },
    ],
  ])('%s', (_, env) => {
    expect(() => load(env)).not.toThrow();
  });
});

describe('refused', () => {
  test.each<[string, Record<string, string>, string]>([
    [
      'a heartbeat above a third of the session',
      { SEGMENTD_KAFKA_HEARTBEAT_INTERVAL_MS: '10001' },
      'kafka.heartbeat_interval_ms: 10001',
    ],
    ['a fetch as long as a request', { SEGMENTD_KAFKA_MAX_WAIT_MS: '10000' }, 'kafka.max_wait_ms: 10000'],
    ['a drain beyond the session', { ...BROKER, SEGMENTD_SHUTDOWN_DRAIN_MS: '20001' }, 'shutdown.drain_ms: 20001'],
    ['nothing that finds appends', { SEGMENTD_SWEEP_INTERVAL_S: '0' }, 'sweep.interval_s: 0 leaves nothing'],
    [
      'a certificate without its key',
      { SEGMENTD_ADMIN_TOKEN: 't', SEGMENTD_ADMIN_CERT_FILE: 'c' },
      'admin.cert_file: cert_file and key_file',
    ],
    [
      'TLS on a socket',
      {
        SEGMENTD_ADMIN_TOKEN: 't',
        SEGMENTD_ADMIN_SOCKET: 's',
        SEGMENTD_ADMIN_CERT_FILE: 'c',
        SEGMENTD_ADMIN_KEY_FILE: 'k',
      },
      'admin.socket: takes no TLS',
    ],
    ...['SOCKET', 'CERT_FILE', 'KEY_FILE'].map((option): [string, Record<string, string>, string] => [
      `${option} of a listener that is off`,
      { [`SEGMENTD_ADMIN_${option}`]: 's' },
      `SEGMENTD_ADMIN_${option}: admin.${option.toLowerCase()}: is set, but no token`,
    ]),
    ...Object.entries({ PORT: '9466', HOST: '0.0.0.0' }).map(
      ([option, value]): [string, Record<string, string>, string] => [
        `a socket and a ${option}`,
        { SEGMENTD_ADMIN_TOKEN: 't', SEGMENTD_ADMIN_SOCKET: 's', [`SEGMENTD_ADMIN_${option}`]: value },
        `admin.${option.toLowerCase()}: is not listened on beside admin.socket`,
      ],
    ),
    [
      'who may connect to no socket',
      { SEGMENTD_ADMIN_TOKEN: 't', SEGMENTD_ADMIN_SOCKET_ACCESS: 'group' },
      'admin.socket_access: says who may connect to admin.socket',
    ],
    [
      'a status that asks for no token',
      { SEGMENTD_HTTP_ANONYMOUS: 'false' },
      'http.anonymous: is false, but there is no',
    ],
    ['a first retry above the longest', { SEGMENTD_RETRY_INITIAL_MS: '60001' }, 'retry.initial_ms: 60001'],
    ['fewer inputs than make a merge due', { SEGMENTD_MERGE_MAX_FACTOR: '6' }, 'merge.max_factor: 6'],
    ['mature at the floor', { SEGMENTD_MERGE_MAX_SEGMENT_ROWS: '5000' }, 'merge.max_segment_rows: 5000'],
    [
      'one topic for both',
      { SEGMENTD_KAFKA_DEAD_LETTER_TOPIC: 'segmentd.append-events' },
      'kafka.dead_letter_topic: is the same as kafka.topic',
    ],
    [
      'commands among the events',
      { SEGMENTD_KAFKA_CONTROL_TOPIC: 'segmentd.append-events' },
      'kafka.control_topic: is the same as kafka.topic',
    ],
    [
      'notifications among the dead letters',
      { SEGMENTD_KAFKA_NOTIFICATION_TOPIC: 'segmentd.dead-letters' },
      'kafka.notification_topic: is the same as kafka.dead_letter_topic',
    ],
    [
      'commands and notifications in one topic',
      { SEGMENTD_KAFKA_NOTIFICATION_TOPIC: 'x', SEGMENTD_KAFKA_CONTROL_TOPIC: 'x' },
      'kafka.notification_topic: is the same as kafka.control_topic',
    ],
    [
      'one port for both listeners',
      { SEGMENTD_ADMIN_TOKEN: 't', SEGMENTD_ADMIN_PORT: '9464' },
      'admin.port: 9464 is http.port too',
    ],
    [
      'one port for both listeners, one of them on every address',
      { SEGMENTD_ADMIN_TOKEN_FILE: '/t', SEGMENTD_HTTP_PORT: '9465', SEGMENTD_HTTP_HOST: '0.0.0.0' },
      'admin.port: 9465 is http.port too',
    ],
    [
      'one port for both listeners, by another name',
      { SEGMENTD_ADMIN_TOKEN: 't', SEGMENTD_HTTP_PORT: '9465', SEGMENTD_HTTP_HOST: 'localhost' },
      'admin.port: 9465 is http.port too',
    ],
    [
      'two tokens',
      { SEGMENTD_ADMIN_TOKEN: 't', SEGMENTD_ADMIN_TOKEN_FILE: '/t' },
      'admin.token_file: token is set as well',
    ],
    ['the same database twice', { SEGMENTD_DATABASES: '{a: /d, b: /d/}' }, 'databases: a and b are the same folder /d'],
    [
      'a database inside another',
      { SEGMENTD_DATABASES: '{a: /d, b: /d/e/f}' },
      'databases: b (/d/e/f) lies inside a (/d)',
    ],
    [
      'the same object store twice, whatever its options',
      {
        SEGMENTD_DATABASES: '{a: s3://b/lake/, b: {uri: S3://b/lake, storage_options: {endpoint: "https://other"}}}',
      },
      'databases: a and b are the same folder s3://b/lake',
    ],
    [
      'a bucket around a folder of it',
      { SEGMENTD_DATABASES: '{a: s3://b, b: s3://b/d}' },
      'databases: b (s3://b/d) lies inside a (s3://b)',
    ],
    ['a database around another', { SEGMENTD_DATABASES: '{a: /d/e, b: /d}' }, 'databases: a (/d/e) lies inside b (/d)'],
    [
      'scratch inside a database',
      { SEGMENTD_STATE_SCRATCH_DIR: '/data/lake/tmp' },
      'state.scratch_dir: /data/lake/tmp and',
    ],
    ['a database inside scratch', { SEGMENTD_STATE_SCRATCH_DIR: '/data' }, 'state.scratch_dir: /data and'],
    [
      'a table of no database',
      { SEGMENTD_TABLES: '{sea/t: {indexes: [{column: a}]}}' },
      'tables: sea/t names a database',
    ],
    [
      'two indexes of one name',
      { SEGMENTD_TABLES: '{lake/t: {indexes: [{column: a}, {column: b, name: a_idx}]}}' },
      'tables: lake/t has two indexes named a_idx',
    ],
    ...(
      [
        ['{column: b, name: a_idx}, {column: a}', 'has two indexes named a_idx'],
        ['{column: a, kind: fts, name: x}, {column: a, kind: fm, name: x}', 'has two indexes named x'],
        [
          '{column: a, kind: fts, name: a_fm_idx}, {column: a}, {column: a, kind: fm}',
          'has two indexes named a_fm_idx',
        ],
        ['{column: a}, {column: a, kind: btree}', 'has two indexes of kind btree on column a'],
        [
          '{column: a, kind: fts, name: x}, {column: a, kind: fts, stem: false}',
          'has two indexes of kind fts on column a',
        ],
      ] as const
    ).map(([indexes, problem]): [string, Record<string, string>, string] => [
      `the indexes ${indexes}`,
      { SEGMENTD_TABLES: `{lake/t: {indexes: [${indexes}]}}` },
      `tables: lake/t ${problem}`,
    ]),
    ['a user without a mechanism', sasl({ USERNAME: 'u' }), 'kafka.sasl.mechanism: username and password need'],
    ['a mechanism without a user', sasl({ MECHANISM: 'plain', PASSWORD: 'p' }), 'plain needs a username'],
    ['no password', sasl({ MECHANISM: 'plain', USERNAME: 'u' }), 'exactly one of password'],
    [
      'two passwords',
      sasl({ MECHANISM: 'plain', USERNAME: 'u', PASSWORD: 'p', PASSWORD_FILE: '/p' }),
      'exactly one of password',
    ],
    [
      'a certificate without its key',
      { SEGMENTD_KAFKA_SSL_ENABLED: 'true', SEGMENTD_KAFKA_SSL_CERT_FILE: '/c' },
      'go together',
    ],
    ['TLS files without TLS', { SEGMENTD_KAFKA_SSL_CA_FILE: '/c' }, 'kafka.ssl.enabled: is false'],
    ['a topic with no replica', { SEGMENTD_KAFKA_CREATE_TOPICS_REPLICATION_FACTOR: '0' }, 'at least one replica'],
  ])('%s', (_, env, message) => {
    expect(() => load(env)).toThrow(message);
  });
});

test('rules are about options that exist', () => {
  const paths = LEAVES.map(({ path }) => path.join('.'));
  expect(RULES.flatMap(({ about }) => about).filter((path) => !paths.includes(path))).toEqual([]);
});

test('merging is set as the policy was measured', () => {
  const { settings } = mergeSchedule(load({}));
  expect(settings(tableAt('/lake/t.lance'))).toEqual(DEFAULT_MERGE);
  expect(settings(tableAt('s3://lake/t.lance'))).toEqual(DEFAULT_MERGE_REMOTE);
  expect(settings(tableAt('/lake/t.lance'), 'fts')).toEqual(DEFAULT_MERGE_REMOTE);
  const textOf = (path: string) => LEAVES.find((leaf) => leaf.path.join('.') === path)?.meta.defaultText;
  const text = (key: 'factor' | 'maxSegments') =>
    `<${DEFAULT_MERGE[key]}, or ${DEFAULT_MERGE_REMOTE[key]} on an object store>`;
  expect([textOf('merge.factor'), textOf('merge.max_segments')]).toEqual([text('factor'), text('maxSegments')]);
});

test('what is set of merging holds for all kinds of stores', () => {
  const { settings } = mergeSchedule(load({ SEGMENTD_MERGE_FACTOR: '5', SEGMENTD_MERGE_MAX_SEGMENTS: '40' }));
  for (const uri of ['/lake/t.lance', 's3://lake/t.lance']) {
    expect(settings(tableAt(uri))).toEqual({ ...DEFAULT_MERGE, factor: 5, maxSegments: 40 });
    expect(settings(tableAt(uri), 'fts')).toEqual({ ...DEFAULT_MERGE, factor: 5, maxSegments: 40 });
  }
});
