import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { LEAVES, loadConfig } from '../../../src/config/load.ts';
import { RELOADABLE, takeOver } from '../../../src/config/reloadable.ts';
import { RULES } from '../../../src/config/rules.ts';

type Options = Readonly<Record<string, unknown>>;

/** A valid configuration from options by their path, such as `merge.factor`. */
function load(options: Options = {}) {
  const env = Object.entries({ databases: { lake: '/lake' }, ...options }).map(([path, value]) => [
    `SEGMENTD_${path.replaceAll('.', '_').toUpperCase()}`,
    typeof value === 'string' ? value : stringify(value),
  ]);
  return loadConfig({ env: Object.fromEntries(env), cwd: '/' });
}

function changed(before: Options, after: Options) {
  const { config, applied, needsRestart } = takeOver(load(before), load(after));
  const names = (paths: readonly (readonly string[])[]) => paths.map((path) => path.join('.'));
  return { config, applied: names(applied), needsRestart: names(needsRestart) };
}

const index = (column: string) => ({ indexes: [{ column }] });

test('only options that exist can be taken over', () => {
  const paths = new Set(LEAVES.map(({ path }) => path.join('.')));
  expect([...RELOADABLE].filter((path) => !paths.has(path))).toEqual([]);
});

test('no rule ties an option that is taken over to one that is not, but for those that are looked at', () => {
  const LOOKED_AT = new Set([
    'tables,databases',
    'admin.port,admin.host,admin.token,admin.token_file,admin.socket,http.port,http.host',
    ...['cert_file', 'key_file', 'socket'].map((option) => `admin.${option},admin.token,admin.token_file`),
    'http.anonymous,admin.token,admin.token_file',
  ]);
  const tied = RULES.map(({ about }) => about)
    .filter((about) => about.some((path) => RELOADABLE.has(path)) && !about.every((path) => RELOADABLE.has(path)))
    .map((about) => about.join());
  expect(new Set(tied)).toEqual(LOOKED_AT);
});

test('the same configuration changes nothing', () => {
  const options = { 'merge.factor': 5, tables: { 'lake/t': index('id') } };
  expect(changed(options, options)).toMatchObject({ applied: [], needsRestart: [], config: load(options) });
});

test('what can be is taken over, and each other option is named', () => {
  const { config, applied, needsRestart } = changed(
    { 'merge.factor': 5, 'log.level': 'info', 'kafka.brokers': 'one:9092' },
    { 'merge.max_segments': 9, 'log.level': 'debug', 'kafka.brokers': 'other:9092', 'http.port': 1234 },
  );
  expect(applied).toEqual(['merge.factor', 'merge.max_segments', 'log.level']);
  expect(needsRestart).toEqual(['kafka.brokers', 'http.port']);
  expect(config).toEqual(load({ 'merge.max_segments': 9, 'log.level': 'debug', 'kafka.brokers': 'one:9092' }));
});

test('Kafka comes and goes with a restart, and the sweep that only it makes needless stays till then', () => {
  const withKafka = { 'kafka.brokers': 'one:9092', 'sweep.interval_s': 0 };
  expect(changed({}, withKafka)).toMatchObject({
    applied: [],
    needsRestart: ['kafka', 'sweep.interval_s'],
    config: load(),
  });
  expect(changed({ 'sweep.interval_s': 5 }, { 'sweep.interval_s': 7 }).applied).toEqual(['sweep.interval_s']);
});

test('a default that is written out, or left out again, is no change', () => {
  const nothing = { applied: [], needsRestart: [] };
  for (const kafka of [{}, { 'kafka.brokers': 'one:9092' }]) {
    const usual = { ...kafka, 'sweep.interval_s': 'kafka.brokers' in kafka ? 600 : 10 };
    expect(changed(kafka, usual)).toMatchObject(nothing);
    expect(changed(usual, kafka)).toMatchObject(nothing);
    expect(changed(kafka, { ...kafka, 'sweep.interval_s': 11 }).applied).toEqual(['sweep.interval_s']);
    expect(changed({ ...kafka, 'sweep.interval_s': 11 }, kafka).applied).toEqual(['sweep.interval_s']);
  }
});

describe('tables', () => {
  test('are compared one by one', () => {
    const before = { tables: { 'lake/a': index('x'), 'lake/b': index('x'), 'lake/c': index('x') } };
    const after = { tables: { 'lake/a': index('x'), 'lake/b': index('y'), 'lake/d': index('x') } };
    const { config, applied, needsRestart } = changed(before, after);
    expect(applied).toEqual(['tables.lake/b', 'tables.lake/c', 'tables.lake/d']);
    expect(needsRestart).toEqual([]);
    expect(config.tables).toEqual(load(after).tables);
  });

  test('of a database that is not served or lies elsewhere wait for a restart with it', () => {
    const databases = { lake: '/lake', moved: '/old' };
    const after = {
      databases: { lake: '/lake', moved: '/new', more: '/more' },
      tables: { 'lake/t': index('x'), 'more/t': index('x'), 'moved/t': index('x') },
    };
    const { config, applied, needsRestart } = changed({ databases }, after);
    expect(applied).toEqual(['tables.lake/t']);
    expect(needsRestart).toEqual(['databases.moved', 'databases.more', 'tables.more/t', 'tables.moved/t']);
    expect(config).toEqual(load({ databases, tables: { 'lake/t': index('x') } }));
  });
});

describe('the token', () => {
  test('is exchanged, also for a file', () => {
    const { config, applied } = changed({ 'admin.token': 'a' }, { 'admin.token_file': '/b' });
    expect(applied).toEqual(['admin.token', 'admin.token_file']);
    expect(config.admin).toMatchObject({ token_file: '/b' });
    expect(config.admin).not.toHaveProperty('token');
  });

  test.each([
    [{}, { 'admin.token': 'a' }],
    [{ 'admin.token': 'a' }, {}],
  ])('switches the listener on and off at a restart only: %j to %j', (before, after) => {
    expect(changed(before, after)).toMatchObject({ applied: [], needsRestart: ['admin.token'], config: load(before) });
  });
});
