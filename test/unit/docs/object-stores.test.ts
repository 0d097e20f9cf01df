/** Holds docs/object-stores.md to the code: its configurations load, options and URIs are what it says, and its sums add up. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../../src/config/load.ts';
import { knownOption } from '../../../src/lib/known-storage-options.ts';
import { storageOptionsProblem } from '../../../src/lib/storage-options-problem.ts';
import type { StoreScheme } from '../../../src/lib/store-uri.ts';
import { STORE_SCHEMES, storeUriProblem } from '../../../src/lib/store-uri.ts';

const page = readFileSync(new URL('../../../docs/object-stores.md', import.meta.url), 'utf8');

const section = (heading: string) => page.split(/^## /m).find((it) => it.startsWith(`${heading}\n`)) ?? '';
const spansIn = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span);

function codeIn(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map(([, code = '']) => code);
}

/** Cells of the tables of a section, row by row. */
function rowsOf(heading: string): string[][] {
  return [...section(heading).matchAll(/^\|(.*)\|$/gm)].map(([, row = '']) => row.split('|').map((it) => it.trim()));
}

test('its configurations load', () => {
  const snippets = codeIn('yaml');
  expect(snippets).toHaveLength(4);
  for (const snippet of snippets) {
    const env = { LAKE_KEY_ID: 'id', SEGMENTD_DATABASES: JSON.stringify(parse(snippet).databases) };
    expect(loadConfig({ env, cwd: '/' }).databases.lake?.uri).toMatch(/^(s3|gs|az):\/\/acme-data\/lake$/);
  }
});

test('the options that it calls mapped and harmless are', () => {
  const schemes: Readonly<Record<string, StoreScheme>> = { S3: 's3', Google: 'gs', Azure: 'az' };
  const mapped = rowsOf('Options').flatMap(([store = '', names = '']) => {
    const scheme = schemes[store];
    return scheme ? spansIn(names).map((name) => [scheme, name] as const) : [];
  });
  expect(mapped.length).toBeGreaterThan(25);
  const wrong = mapped.filter(([scheme, name]) => knownOption(scheme, name)?.use !== 'mapped');
  expect(wrong).toEqual([]);
  const [, forAll = ''] = /Harmless for all: (.*?) and others/s.exec(section('Options')) ?? [];
  expect(spansIn(forAll).length).toBeGreaterThan(5);
  for (const name of spansIn(forAll)) {
    const uses = STORE_SCHEMES.map((scheme) => knownOption(scheme, name)?.use);
    expect([name, uses]).toEqual([name, ['harmless', 'harmless', 'harmless']]);
  }
});

test('the options that it calls refused are, by the stores that know them', () => {
  const [, table = ''] = section('Options').split('| refused |');
  const refused = [...table.matchAll(/^\|(.*?)\|/gm)].flatMap(([, names = '']) => spansIn(names));
  expect(refused.length).toBeGreaterThan(15);
  for (const given of refused.filter((name) => name !== 'etag')) {
    const [name = '', value = 'x'] = given.split('=');
    const known = STORE_SCHEMES.filter((scheme) => knownOption(scheme, name) !== undefined);
    const refusing = known.filter((scheme) => storageOptionsProblem(`${scheme}://b/x`, { [name]: value }).length > 0);
    expect([given, refusing.length > 0]).toEqual([given, true]);
  }
});

test('the URIs that it refuses are refused', () => {
  const refused = rowsOf('URIs').flatMap(([uris = '']) => spansIn(uris));
  expect(refused.length).toBeGreaterThan(10);
  expect(refused.filter((uri) => storeUriProblem(uri) === undefined)).toEqual([]);
});

test('its policies are JSON', () => {
  expect(codeIn('json').map((policy) => Object.keys(JSON.parse(policy)))).toEqual([
    ['Version', 'Statement'],
    ['Rules'],
  ]);
});

/** Of a batch: PUTs and LISTs, and GETs and HEADs. */
const requestsOf = (indexes: number, fragments: number) => ({
  dear: 2 * indexes + 4,
  cheap: 3 * indexes * fragments + 2 * indexes + 1,
});

test.each([1, 2])('the requests of a batch for %d indexes add up', (indexes) => {
  const rows = new Map(rowsOf('Requests').map((row) => [row[0], row[indexes]]));
  const rounds = ['1', '2, 3, 4', '5', '6'].map((round) => Number(rows.get(round)));
  const untilCovered = rounds.reduce((sum, requests) => sum + requests, 0);
  expect(rows.get('**until covered**')).toBe(`**${untilCovered}**`);
  const { dear, cheap } = requestsOf(indexes, 1);
  expect(untilCovered + Number(rows.get('after that'))).toBe(dear + cheap);
});

test('the costs of batches follow from that and the prices', () => {
  const perMillion = (indexes: number, fragments: number) => {
    const { dear, cheap } = requestsOf(indexes, fragments);
    return `$${((dear * 5 + cheap * 0.4) / fragments).toFixed(2)}`;
  };
  const rows = rowsOf('What it costs');
  expect(rows).toContainEqual(['each in a batch of its own', perMillion(1, 1), perMillion(2, 1)]);
  expect(rows).toContainEqual(['ten to a batch', perMillion(1, 10), perMillion(2, 10)]);
});
