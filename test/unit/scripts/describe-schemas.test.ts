/** Holds `schemas/` to the code: the schemas accept and refuse what the code does. */

import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { program } from '../../../src/commands/cli.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { decodeRecord, encodeAppendEvent } from '../../../src/events/append-event.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

const root = new URL('../../../', import.meta.url);
const text = (path: string) => readFileSync(new URL(path, root), 'utf8');
const validator = (path: string) =>
  new Ajv2020({ strict: true, allowUnionTypes: true }).compile(JSON.parse(text(path)));

test.each(['schemas/append-event.json', 'schemas/config.json'])('%s describes every field', (path) => {
  const { properties } = JSON.parse(text(path)) as { properties: Record<string, { description?: string }> };
  expect(Object.entries(properties).filter(([, { description }]) => !description)).toEqual([]);
});

describe('append events', () => {
  const isEvent = validator('schemas/append-event.json');
  const databases = new Map([
    ['lake', '/data/lake'],
    ['cloud', 's3://acme-data/lake'],
  ]);
  const isDecoded = (value: unknown) => {
    try {
      return decodeRecord(databases, { value: Buffer.from(JSON.stringify(value)), headers: new Map() }).length === 1;
    } catch (error) {
      if (error instanceof SegmentdError) return false;
      throw error;
    }
  };
  const event = (more: Record<string, unknown>) => ({ table: 'lake/events', ...more });

  test.each([
    event({}),
    event({ version: 1, fragments: [0, 4_294_967_295], id: 'a', time: 'now', producer: 'p', rows: 0 }),
    event({ version: null, fragments: null, id: null, time: null, producer: null, rows: null }),
    event({ fragments: [], id: '', 'x-trace': { any: ['thing'] } }),
    event({ version: Number.MAX_SAFE_INTEGER, note: null, id: 'x'.repeat(256) }),
    event({ fragments: Array.from({ length: 100_000 }, (_, id) => id) }),
    event({ version: 12.0 }),
    event({ fragments: [3], backfill: { id: 'job', first: 0, last: 4_294_967_295, by: 'me' } }),
    event({ backfill: null }),
    { table: 'lake/a.b-C_9' },
    { table: `lake/${'t'.repeat(249)}` },
    { table: '/data/lake/events.lance' },
    { table: '/data//lake/./events.lance/' },
    { table: 'file:///data/lake/events.lance' },
    { table: 'file://localhost/data/lake/%65vents.lance/' },
    { table: 'FILE:/data/lake/events.lance' },
    { table: 's3://acme-data/lake/events.lance/' },
    { table: 's3://acme-data/lake/events.lance' },
  ])('%j is one', (value) => {
    expect([isEvent(value), isDecoded(value)]).toEqual([true, true]);
  });

  test.each<unknown>([
    null,
    [],
    'lake/events',
    {},
    { version: 1 },
    { table: null },
    { table: 7 },
    { table: '' },
    { table: 'events' },
    { table: 'lake/' },
    { table: '/events' },
    { table: 'lake/../events' },
    { table: 'lake/.hidden' },
    { table: 'lake/a/b' },
    { table: 'lake/a b' },
    { table: 'lake/events\n' },
    { table: `lake/${'t'.repeat(256)}` },
    { table: 'Lake/events' },
    { table: '/data/lake/events' },
    { table: '/data/lake/.lance' },
    { table: '/data/lake/../lake/events.lance' },
    { table: 'file:///data/lake/../lake/events.lance' },
    { table: 'file:///data/lake/%2Ehidden.lance' },
    { table: 'file://elsewhere/data/lake/events.lance' },
    { table: 'file:///data/lake/events.lance?version=1' },
    { table: 'file:///data/lake/a b.lance' },
    { table: 's3://acme-data/lake/' },
    { table: 's3://acme-data/lake/a b.lance' },
    { table: `/${'x'.repeat(2_048)}.lance` },
    event({ version: 0 }),
    event({ version: -1 }),
    event({ version: 1.5 }),
    event({ version: '12' }),
    event({ version: 2 ** 53 }),
    event({ version: true }),
    event({ fragments: 3 }),
    event({ fragments: [-1] }),
    event({ fragments: [4_294_967_296] }),
    event({ fragments: [0.5] }),
    event({ fragments: [null] }),
    event({ fragments: ['1'] }),
    event({ fragments: Array.from({ length: 100_001 }, (_, id) => id) }),
    event({ id: 7 }),
    event({ id: 'x'.repeat(257) }),
    event({ time: 1_767_225_600 }),
    event({ producer: {} }),
    event({ backfill: {} }),
    event({ backfill: { id: '', first: 0, last: 1 } }),
    event({ backfill: { id: 'job', first: -1, last: 1 } }),
    event({ backfill: { id: 'job', first: 0, last: 2 ** 32 } }),
    event({ rows: -1 }),
    event({ rows: 1.5 }),
  ])('%j is none', (value) => {
    expect([isEvent(value), isDecoded(value)]).toEqual([false, false]);
  });

  test('what segmentd itself writes is one', () => {
    const table = { id: 'lake/events', database: 'lake', name: 'events', uri: '/data/lake/events.lance' };
    const { value } = encodeAppendEvent({ table, version: 3, fragments: [1], time: 'now', producer: 'p', rows: 5 });
    expect(isEvent(JSON.parse(value.toString()))).toBe(true);
  });
});

describe('configurations', () => {
  const isConfig = validator('schemas/config.json');
  const isLoaded = async (value: unknown) => {
    const file = join(await tempDir(), 'segmentd.yaml');
    await writeFile(file, stringify(value));
    try {
      loadConfig({ file, env: {}, cwd: '/' });
      return true;
    } catch (error) {
      if (error instanceof SegmentdError && error.code === 'config_invalid') return false;
      throw error;
    }
  };
  const databases = { lake: '/data/lake' };

  test('those that the package ships are some', () => {
    for (const path of ['config/segmentd.yaml', 'config/defaults.yaml']) {
      expect([path, isConfig(parse(text(path))), isConfig.errors]).toEqual([path, true, null]);
    }
  });

  test.each<Record<string, unknown>>([
    { databases },
    { databases: { lake: { uri: 's3://acme-data/lake', storage_options: { region: 'eu', allow_http: true } } } },
    { databases: { a: 's3://b', b: 'S3://b2/lake/', c: 'gs://my.bucket_1/a b/é//', d: 'az://container/..lake/.x' } },
    { databases: { lake: { uri: 'file:///data/lake', storage_options: {} } } },
    { databases: { lake: '../relative' }, batch: null, http: {} },
    {
      databases: { a: 'file:/a', b: 'file://localhost/b%20c', c: 'file:///$c', d: './~', e: '/e/a:b', f: '/costs/5$' },
    },
    { databases, kafka: { topic: 'a.b_C-9', control_topic: 'x'.repeat(249), dead_letter_topic: '...' } },
    {
      databases,
      kafka: { brokers: ['a:1', 'b:2'], create_topics: { enabled: true, replication_factor: 3 }, ssl: null },
    },
    { databases, tables: { 'lake/events': { indexes: [{ column: 'id' }, { column: 'a.b', name: 'by_b' }] } } },
    { databases, tables: { 'lake/events': { stable_row_ids: 'rebuild' } }, log: { level: 'debug' } },
    { databases, merge: { pause_lag_s: 0.5 }, shutdown: { drain_ms: 0 } },
  ])('%j is one', async (value) => {
    expect([isConfig(value), isConfig.errors, await isLoaded(value)]).toEqual([true, null, true]);
  });

  const UNFIT_URIS = [
    ...[
      's3a://b/lake',
      's3+ddb://b/lake',
      'https://b/lake',
      's3://',
      's3://b/../lake',
      's3://b//lake',
      's3://b:9000/l',
    ],
    ...['s3://me@b/lake', 's3://b/l%20', 'gs://b/l?x', 'az://c/l#x', 's3://zone--use1-az4--x-s3/lake', 's3://b/a\\b'],
  ];

  test.each<unknown>([
    [],
    { databases: {} },
    { databases: { Lake: '/data' } },
    { databases: { lake: '' } },
    { databases: { lake: '  ' } },
    ...UNFIT_URIS.map((lake) => ({ databases: { lake } })),
    { databases: { lake: { uri: 'abfss://c@account/lake' } } },
    { databases: { lake: { uri: 's3://b/lake', storage_options: { timeout: 30 } } } },
    { databases: { lake: {} } },
    { databases: { lake: { uri: '/data', colour: 'red' } } },
    { databases: { lake: 7 } },
    { databases, kafka: null },
    { databases, kafka: {} },
    { databases, kafka: { brokerz: ['a:1'] } },
    { databases, kafka: { brokers: [] } },
    { databases, kafka: { brokers: ['nowhere'] } },
    { databases: { lake: '~/data' } },
    { databases: { lake: '$HOME/data' } },
    { databases: { lake: { uri: `/data/${'$'}{STAGE}/lake` } } },
    { databases: { lake: 'file:///data?x' } },
    { databases, state: { scratch_dir: '~/scratch' } },
    { databases, admin: { token_file: '$CREDENTIALS_DIRECTORY/token' } },
    { databases, tables: { 'lake/..': {} } },
    { databases, tables: { [`lake/${'t'.repeat(250)}`]: {} } },
    { databases, kafka: { topic: ' ' } },
    { databases, kafka: { topic: 'a b' } },
    { databases, kafka: { topic: '..' } },
    { databases, kafka: { dead_letter_topic: 'a/b' } },
    { databases, kafka: { control_topic: 'é' } },
    { databases, kafka: { notification_topic: 'x'.repeat(250) } },
    { databases, kafka: { create_topics: { replication_factor: 0 } } },
    { databases, kafka: { sasl: { mechanism: 'gssapi' } } },
    { databases, tables: { events: {} } },
    { databases, tables: { 'lake/events': { indexes: [] } } },
    { databases, tables: { 'lake/events': { indexes: [{ name: 'x' }] } } },
    { databases, http: { port: 'many' } },
    { databases, http: { port: 65_536 } },
    { databases, batch: { max_rows: 1.5 } },
    { databases, log: { level: 'loud' } },
    { databases, everything: true },
  ])('%j is none', async (value) => {
    expect([isConfig(value), await isLoaded(value)]).toEqual([false, false]);
  });

  test('what only the whole can tell is left to the command', async () => {
    const contradiction = { databases, kafka: { topic: 'one', dead_letter_topic: 'one' } };
    expect([isConfig(contradiction), await isLoaded(contradiction)]).toEqual([true, false]);
  });
});

type Described = {
  readonly description?: string;
  readonly $ref?: string;
  readonly properties?: object;
  readonly anyOf?: readonly Described[];
  readonly items?: Described;
};

describe('answers', () => {
  const formats = { 'date-time': true } as const;
  const folder = readdirSync(new URL('schemas/', root)).filter((name) => /^(status|table-detail|command-)/.test(name));

  test.each(folder)('schemas/%s is a schema, and describes every field', (name) => {
    const schema = JSON.parse(text(`schemas/${name}`));
    expect(() => new Ajv2020({ strict: true, allowUnionTypes: true, formats }).compile(schema)).not.toThrow();
    const nameless: string[] = [];
    const isSaid = ({ description, $ref, properties, anyOf = [], items }: Described): boolean =>
      [description, $ref, properties].some(Boolean) || anyOf.some(isSaid) || (items !== undefined && isSaid(items));
    const search = (value: unknown, path: string) => {
      if (typeof value !== 'object' || value === null) return;
      // A field may be called `properties`, too.
      const { properties = {}, ...others } = value as { properties?: Record<string, Described> };
      for (const [key, it] of Object.entries(properties)) {
        if (!isSaid(it)) nameless.push(`${path}.${key}`);
        search(it, `${path}.${key}`);
      }
      for (const [key, it] of Object.entries(others)) search(it, `${path}.${key}`);
    };
    search(schema, name);
    expect(nameless).toEqual([]);
  });

  test('every command with --json has a schema', () => {
    const hasJson = ({ options, commands }: Command): boolean =>
      options.some(({ long }) => long === '--json') || commands.some(hasJson);
    const named = program()
      .commands.filter(hasJson)
      .map((command) => command.name());
    const files = folder.flatMap((name) => /^command-(.+)\.json$/.exec(name)?.[1] ?? []);
    // A command may have several, such as status-table.
    const commandOf = (file: string) => named.find((name) => file === name || file.startsWith(`${name}-`)) ?? file;
    expect(new Set(files.map(commandOf))).toEqual(new Set(named));
  });
});
