import { describe, expect, test } from 'vitest';
import { isReserved, variableOf } from '../../../src/config/env.ts';
import { LEAVES, loadConfig } from '../../../src/config/load.ts';

const load = (env: Record<string, string>) =>
  loadConfig({ env: { SEGMENTD_DATABASES: '{lake: /data/lake}', ...env }, cwd: '/here' });

describe('the variable of an option', () => {
  test('is its path in capitals', () => {
    expect(variableOf(['kafka', 'group_id'])).toBe('SEGMENTD_KAFKA_GROUP_ID');
  });

  test('belongs to one option only', () => {
    const variables = LEAVES.map(({ path }) => variableOf(path));
    expect(new Set(variables).size).toBe(variables.length);
    expect(variables.length).toBeGreaterThan(40);
  });

  test('is none of the reserved words', () => {
    expect(LEAVES.map(({ path }) => variableOf(path)).filter(isReserved)).toEqual([]);
  });
});

describe('a value', () => {
  test('is YAML for numbers, booleans and maps', () => {
    const config = load({ SEGMENTD_HTTP_PORT: '0', SEGMENTD_KAFKA_CREATE_TOPICS_ENABLED: 'true' });
    expect(config.http.port).toBe(0);
    expect(config.kafka?.create_topics.enabled).toBe(true);
    expect(config.databases.lake?.uri).toBe('/data/lake');
  });

  test.each([['a:9092,b:9092'], ['a:9092, b:9092'], ['[a:9092, b:9092]']])('may list brokers as %s', (brokers) => {
    expect(load({ SEGMENTD_KAFKA_BROKERS: brokers }).kafka?.brokers).toEqual(['a:9092', 'b:9092']);
  });

  test.each(['123', 'yes: no', '"quoted"', '# x', '~'])('of a string option is %s as it stands', (password) => {
    const sasl = { SEGMENTD_KAFKA_SASL_MECHANISM: 'plain', SEGMENTD_KAFKA_SASL_USERNAME: 'me' };
    expect(load({ ...sasl, SEGMENTD_KAFKA_SASL_PASSWORD: password }).kafka?.sasl.password).toBe(password);
  });

  test('that is a relative path counts from the working folder', () => {
    expect(load({ SEGMENTD_DATABASES: '{a: data}' }).databases.a?.uri).toBe('/here/data');
  });

  test('that is empty is refused, not taken for the default', () => {
    expect(() => load({ SEGMENTD_HTTP_PORT: '' })).toThrow(/SEGMENTD_HTTP_PORT: http\.port/);
    expect(() => load({ SEGMENTD_KAFKA_TOPIC: '' })).toThrow(/SEGMENTD_KAFKA_TOPIC: kafka\.topic/);
  });
});

test('variables that Kubernetes sets for a Service named segmentd are let through', () => {
  const links = { SEGMENTD_SERVICE_HOST: '10.0.0.1', SEGMENTD_SERVICE_PORT: '80', SEGMENTD_SERVICE_PORT_METRICS: '80' };
  const ports = { SEGMENTD_PORT: 'tcp://10.0.0.1:80', SEGMENTD_PORT_80_TCP: 'x', SEGMENTD_PORT_80_TCP_ADDR: 'x' };
  expect(() => load({ ...links, ...ports, SEGMENTD_CACHE_DIR: '/c', SEGMENTD_CONFIG: '' })).not.toThrow();
  expect(() => load({ SEGMENTD_PORTS: '1' })).toThrow(/SEGMENTD_PORTS: no option/);
});

test('every option can be set by its variable', () => {
  for (const { path } of LEAVES) {
    // A value no option accepts: its refusal must name the variable, which proves that the variable is read.
    const env = { SEGMENTD_DATABASES: '{lake: /data/lake}', [variableOf(path)]: ' ' };
    expect(() => loadConfig({ env, cwd: '/' }), path.join('.')).toThrow(`${variableOf(path)}: ${path.join('.')}`);
  }
});

test('a value that cannot be resolved is a problem of the configuration, and is not repeated', () => {
  const databases = '{lake: {uri: /data/lake, storage_options: {secret: *s3cr3t}}}';
  const loading = () => loadConfig({ env: { SEGMENTD_DATABASES: databases }, cwd: '/here' });
  expect(loading).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  expect(loading).toThrow(/SEGMENTD_DATABASES: .*begins with \*/);
  expect(loading).not.toThrow(/s3cr3t/);
});
