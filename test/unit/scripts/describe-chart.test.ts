/** Holds the schema of the chart's values to the values, to the templates, and to what the daemon reads. */
import { readdirSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { valuesSchema } from '../../../scripts/describe-chart.ts';
import { getIn, LEAVES, withIn } from '../../../src/config/load.ts';

const CHART = new URL('../../../config/deploy/helm/segmentd/', import.meta.url);
const values = parse(readFileSync(new URL('values.yaml', CHART), 'utf8')) as Record<string, unknown>;
const isValid = new Ajv({ strict: true, allowUnionTypes: true }).compile(JSON.parse(valuesSchema()));

type Path = readonly string[];
const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Paths of the maps in values.yaml that have members, the whole included. */
function mapsIn(value: unknown, path: Path = []): Path[] {
  if (!isMap(value) || Object.keys(value).length === 0) return [];
  return [path, ...Object.entries(value).flatMap(([key, each]) => mapsIn(each, [...path, key]))];
}

/** Those in which Kubernetes says what may stand. */
const OPEN = new Set(['resources', 'resources.requests', 'resources.limits']);
const closed = mapsIn(values).filter((path) => !OPEN.has(path.join('.')));

test('the schema knows every value of values.yaml', () => {
  expect(isValid(values), JSON.stringify(isValid.errors)).toBe(true);
});

test.each(closed.map((path) => [path.join('.') || 'the whole', path] as const))(
  'it refuses what is misspelt in %s',
  (_, path) => {
    const misspelt = withIn(values, [...path, 'misspelt'], 1);
    expect(isValid(misspelt)).toBe(false);
    expect(isValid.errors).toMatchObject([
      { keyword: 'additionalProperties', params: { additionalProperty: 'misspelt' } },
    ]);
  },
);

describe('config', () => {
  test.each(LEAVES.map(({ path }) => path.join('.')))(
    '%s is an option of it, and what is not in its section is refused',
    (name) => {
      const path = ['config', ...name.split('.')];
      const at = path.flatMap((key) => ['properties', key]);
      expect(getIn(JSON.parse(valuesSchema()), at)).toBeTypeOf('object');
      expect(isValid(withIn(values, [...path.slice(0, -1), 'misspelt'], 1))).toBe(false);
    },
  );

  test('helm, which cannot look ahead, gets no pattern of it', () => {
    expect(JSON.stringify(JSON.parse(valuesSchema()).properties.config)).not.toContain('(?!');
  });
});

test('the templates read no value that values.yaml does not have', () => {
  const templates = new URL('templates/', CHART);
  const texts = readdirSync(templates).map((name) => readFileSync(new URL(name, templates), 'utf8'));
  const read = new Set(texts.join('\n').match(/(?<=\.Values\.)\w+(\.\w+)*/g));
  expect(read.size).toBeGreaterThan(20);
  expect([...read].filter((path) => getIn(values, path.split('.')) === undefined)).toEqual([]);
});
