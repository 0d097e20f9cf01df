import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { loadConfig, redact } from '../../../src/config/load.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function write(yaml: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'segmentd-config-'));
  folders.push(folder);
  writeFileSync(join(folder, 'segmentd.yaml'), yaml);
  return folder;
}

const load = (yaml: string, env: Record<string, string> = {}) => {
  const folder = write(yaml);
  return { folder, config: loadConfig({ file: join(folder, 'segmentd.yaml'), env, cwd: '/work' }) };
};

function failure(yaml: string, env: Record<string, string> = {}): string {
  try {
    load(yaml, env);
  } catch (error) {
    expect(error).toBeInstanceOf(SegmentdError);
    const { code, exit, message } = error as SegmentdError;
    expect({ code, exit }).toEqual({ code: 'config_invalid', exit: 78 });
    return message;
  }
  throw new Error('the configuration was accepted');
}

describe('a file', () => {
  test('needs no more than a database', () => {
    const { folder, config } = load('databases: {demo: ./data}');
    expect(config.databases).toEqual({ demo: { uri: join(folder, 'data'), storage_options: {} } });
    expect(config.kafka).toBeUndefined();
    expect(config.http).toEqual({ host: '127.0.0.1', port: 9464, names: [], page: true, anonymous: true });
  });

  test('may name absolute paths and file URIs', () => {
    const { config } = load(
      'databases: {a: /data/a/, b: "file:///data/b%20c", c: {uri: /data/c, storage_options: {}}}',
    );
    expect(Object.values(config.databases).map(({ uri }) => uri)).toEqual(['/data/a', '/data/b c', '/data/c']);
  });

  test.each([
    ['/data/a///', '/data/a'],
    ['/data//./a/../b', '/data/b'],
    ['file:/data/a/', '/data/a'],
    ['FILE://localhost/data//a', '/data/a'],
    ['file:///data/$HOME/~', '/data/$HOME/~'],
    ['/data/%41', '/data/%41'],
    ['S3://Bucket/lake//', 's3://Bucket/lake'],
    ['gs://b', 'gs://b'],
    ['az://c/my lake/é', 'az://c/my lake/é'],
  ])('has one spelling for the database %s', (uri, path) => {
    expect(load(`databases: {a: '${uri}'}`).config.databases.a?.uri).toBe(path);
  });

  test('resolves every path option against its folder', () => {
    const { folder, config } = load(
      'databases: {a: data}\nkafka: {ssl: {enabled: true, ca_file: ca.pem}}\nstate: {scratch_dir: tmp}',
    );
    expect(config.kafka?.ssl.ca_file).toBe(join(folder, 'ca.pem'));
    expect(config.state.scratch_dir).toBe(join(folder, 'tmp'));
  });

  test('may leave a section empty', () => {
    expect(load('databases: {a: /a}\nhttp:\n  # port: 1\n').config.http.port).toBe(9464);
  });

  test('switches Kafka on with one option, and leaves the others at their defaults', () => {
    const { kafka } = load('databases: {a: /a}\nkafka: {client_id: me}').config;
    expect(kafka).toMatchObject({ client_id: 'me', brokers: ['localhost:9092'], topic: 'segmentd.append-events' });
  });

  test.each(['kafka:', 'kafka: {}', 'kafka:\n  # brokers: []'])('says what %j may mean', (text) => {
    expect(failure(`databases: {a: /a}\n${text}`)).toMatch(
      /kafka: is empty: name kafka\.brokers, or leave the section out/,
    );
  });

  test.each(['events: {version_wait_ms: 1}', 'backfill: {rows_per_segment: 5}'])(
    'cannot set %s without Kafka',
    (text) => {
      const [, option] = /^(\w+)/.exec(text) ?? [];
      expect(failure(`databases: {a: /a}\n${text}`)).toMatch(new RegExp(`${option}\\.\\w+: needs Kafka`));
      load(`databases: {a: /a}\nkafka: {brokers: [a:1]}\n${text}`);
    },
  );

  test('leaves an index without a name to be named later', () => {
    const { config } = load('databases: {a: /a}\ntables: {a/t: {indexes: [{column: id}, {column: x, name: y}]}}');
    expect(config.tables['a/t']?.indexes).toEqual([{ column: 'id' }, { column: 'x', name: 'y' }]);
  });

  test('is frozen all the way down', () => {
    const { config } = load('databases: {a: /a}\nkafka: {brokers: [a:1]}');
    expect(Object.isFrozen(config.kafka?.create_topics)).toBe(true);
    expect(Object.isFrozen(config.databases.a?.storage_options)).toBe(true);
    expect(Object.isFrozen(config.kafka?.brokers)).toBe(true);
  });
});

describe('what is wrong', () => {
  test('is reported all at once, with its place', () => {
    const message = failure(
      'databases: {a: /a, B: s3a://bucket/x}\nkafak: {}\nkafka:\n  max_in_flight: many\n  colour: red\nhttp: {port: 70000}',
      { SEGMENTD_LOG_LEVEL: 'loud', SEGMENTD_KAFKA_TOPICS: 'x', SEGMENTD_BATCH_MAX_ROWS: '{' },
    );
    expect(message).toContain('8 problems');
    expect(message).toMatch(/segmentd\.yaml:1:\d+: databases\.B: a database name/);
    expect(message).toMatch(/segmentd\.yaml:2:8: kafak: unknown option/);
    expect(message).toMatch(/segmentd\.yaml:4:18: kafka\.max_in_flight: .*number/);
    expect(message).toMatch(/segmentd\.yaml:5:11: kafka\.colour: unknown option/);
    expect(message).toMatch(/segmentd\.yaml:6:14: http\.port: .*65535/);
    expect(message).toMatch(/SEGMENTD_LOG_LEVEL: log\.level: /);
    expect(message).toMatch(/SEGMENTD_KAFKA_TOPICS: no option/);
    expect(message).toMatch(/SEGMENTD_BATCH_MAX_ROWS: not YAML/);
  });

  test.each([
    ['s3a://b/x', 's3a:// is not supported: write s3://'],
    ['s3+ddb://b', 's3+ddb:// is not supported: DynamoDB'],
    ['s3://b/$STAGE', 'has $STAGE in it, which only a shell replaces'],
    [`s3://b/${'$'}{STAGE}`, 'has "{" in it'],
    ['s3://me:s3cret@b/x', 'has a user in it'],
    ['s3://b/x?s3cret', 'has "?" in it'],
  ])('includes the object store %s', (uri, says) => {
    const message = failure(`databases: {a: "${uri}"}`);
    expect(message).toContain(`databases.a.uri: ${says}`);
    expect(message).not.toContain('s3cret');
  });

  test.each([
    ['databases: {a: ~/data}', 'databases.a.uri: begins with ~, which only a shell replaces'],
    [
      'databases: {a: $HOME/data}',
      'databases.a.uri: has $HOME in it, which only a shell replaces: write the folder out',
    ],
    [`databases: {a: "/data/${'$'}{STAGE}"}`, 'STAGE} in it'],
    ['databases: {a: /a}\nstate: {scratch_dir: ~/s}', 'state.scratch_dir: begins with ~'],
    ['databases: {a: /a}\nadmin: {token_file: $HOME/t}', 'admin.token_file: has $HOME in it'],
    ['databases: {a: /a}\nkafka: {ssl: {enabled: true, ca_file: ~me/ca.pem}}', 'kafka.ssl.ca_file: begins with ~'],
    ['databases: {a: "/a\\0"}', 'NUL'],
    ['databases: {a: "file:///a?b"}', 'query'],
  ])('includes a path that means something else: %j', (yaml, says) => {
    expect(failure(yaml)).toContain(says);
  });

  test.each(['topic', 'dead_letter_topic', 'control_topic', 'notification_topic'])(
    'includes a kafka.%s that no broker takes',
    (option) => {
      for (const name of ['a b', '.', '..', 'a/b', 'é', 'x'.repeat(250)]) {
        const says = `kafka.${option}: no broker takes a topic ${JSON.stringify(name)}`;
        expect(failure(`databases: {a: /a}\nkafka: {${option}: "${name}"}`)).toContain(says);
      }
    },
  );

  test.each(['a/..', 'a/.hidden', `a/${'t'.repeat(250)}`])('includes %s, which is no table', (id) => {
    expect(failure(`databases: {a: /a}\ntables: {${id}: {}}`)).toContain('a table is written <database>/<table>');
  });

  test('includes a file URI on another host', () => {
    expect(failure('databases: {a: "file://host/x"}')).toContain('not a usable file URI');
  });

  test('includes having no database', () => {
    expect(failure('')).toContain('databases: is required');
    expect(failure('databases: {}')).toContain('name at least one database');
  });

  test('includes a duplicate key, with line and column', () => {
    expect(failure('databases: {a: /a}\nhttp:\n  port: 1\n  port: 2')).toMatch(/segmentd\.yaml:4:3: .*unique/);
  });

  test('includes broken rules among options that are fine themselves', () => {
    const message = failure('databases: {a: /a}\nhttp: {port: x}\nretry: {initial_ms: 9, max_ms: 8}');
    expect(message).toContain('2 problems');
    expect(message).toContain('retry.initial_ms: 9 is more than');
  });

  test('does not include a rule about an option that is broken itself', () => {
    expect(failure('databases: {a: /a}\nretry: {initial_ms: 90000, max_ms: -1}')).toContain('1 problem\n');
  });

  test('of a file that is not there is another code', () => {
    const open = () => loadConfig({ file: 'nowhere.yaml', env: {}, cwd: '/' });
    expect(open).toThrow(
      expect.objectContaining({ code: 'config_unreadable', exit: 78, message: expect.stringContaining('ENOENT') }),
    );
  });
});

describe('redacting', () => {
  test('hides every secret and nothing else', () => {
    const yaml =
      'databases: {a: {uri: "s3://b/a", storage_options: {region: s3cret1}}}\nkafka: {sasl: {mechanism: plain, username: me, password: s3cret2}}';
    const printed = JSON.stringify(redact(load(yaml).config));
    expect(printed).not.toContain('s3cret');
    expect(printed).toContain('"region":"[redacted]"');
    expect(printed).toContain('"username":"me"');
  });

  test('shows that no password is set', () => {
    expect(redact(load('databases: {a: /a}\nkafka: {brokers: [a:1]}').config).kafka?.sasl).toEqual({});
  });
});

describe('the collector of traces', () => {
  const tracing = (endpoint: string) => `databases: {a: /a}\ntracing: {endpoint: ${JSON.stringify(endpoint)}}`;

  test.each(['http://localhost:4318', 'https://otel.example.com/intake/', 'http://[::1]:4318'])('may be %s', (url) => {
    expect(load(tracing(url)).config.tracing).toEqual({ enabled: false, endpoint: url });
  });

  test.each([
    ['localhost:4318', 'is no URL such as http://localhost:4318'],
    ['grpc://localhost:4317', 'is no URL such as http://localhost:4318'],
    ['http://me:pass@host:4318', 'has a user in it: send the password as a header, with OTEL_EXPORTER_OTLP_HEADERS'],
    ['http://host:4318/?key=1', 'has more than a host and a path'],
  ])('is not %s', (url, problem) => {
    const message = failure(tracing(url));
    expect(message).toContain(`tracing.endpoint: ${problem}`);
    expect(message).not.toContain('pass@');
  });

  test.each([-0.1, 1.1])('gets no share of %d', (ratio) => {
    expect(failure(`databases: {a: /a}\ntracing: {sample_ratio: ${ratio}}`)).toContain('tracing.sample_ratio');
  });
});

describe('a message says what to write', () => {
  test('where no file is named: the one that is there, or how to come by one', () => {
    const unnamed = (cwd: string) => () => loadConfig({ file: undefined, env: {}, cwd });
    const folder = write('databases: {demo: ./data}');
    expect(unnamed(folder)).toThrow('there is a segmentd.yaml here: give -c segmentd.yaml, or set SEGMENTD_CONFIG=');
    expect(unnamed(join(folder, 'elsewhere'))).toThrow('no configuration file is named; give -c <file>');
    expect(failure('kafka: {}')).not.toContain('is named');
  });

  test('in place of a column alone', () => {
    const indexes = (text: string) => failure(`databases: {a: /a}\ntables: {a/t: {indexes: ${text}}}`);
    expect(indexes('[id]')).toContain('tables.a/t.indexes.0: an index is written {column: id}, with its name');
    for (const text of ['["a b"]', '[7]', '[[id]]', '[null]']) expect(indexes(text)).toContain('{column: <column>}');
    expect(indexes('[{column: id, kind: tree}]')).not.toContain('is written');
  });
});
