import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { variableOf } from '../../../src/config/env.ts';
import { LEAVES, loadConfig } from '../../../src/config/load.ts';

const root = new URL('../../../', import.meta.url);
const file = (path: string) => fileURLToPath(new URL(path, root));
const env = { SEGMENTD_DATABASES: '{lake: /data/lake}' };

describe('config/defaults.yaml', () => {
  test('loads and changes nothing', () => {
    const config = loadConfig({ file: file('config/defaults.yaml'), env, cwd: '/' });
    // Kafka is there or not; no default stands for that.
    const withKafka = { ...env, SEGMENTD_KAFKA_BROKERS: 'localhost:9092' };
    expect(config).toEqual(loadConfig({ env: withKafka, cwd: '/' }));
  });

  test('names every option', () => {
    const text = readFileSync(file('config/defaults.yaml'), 'utf8');
    // Uncommented, what has no default is an empty value.
    const keys = parse(text.replace(/^( *)# ([a-z_]+):.*$/gm, '$1$2:'));
    const has = (path: readonly string[]) => path.reduce((tree, key) => tree?.[key], keys) !== undefined;
    expect(LEAVES.filter(({ path }) => !has(path)).map(({ path }) => path.join('.'))).toEqual([]);
  });
});

test('the reference page names every variable once', () => {
  const page = readFileSync(file('docs/configuration.md'), 'utf8');
  for (const { path } of LEAVES) expect(page.split(`| \`${variableOf(path)}\` |`)).toHaveLength(2);
});

test('config/segmentd.yaml is valid', () => {
  const config = loadConfig({ file: file('config/segmentd.yaml'), env: {}, cwd: '/' });
  expect(config.databases.demo?.uri).toBe(file('config/data'));
});
