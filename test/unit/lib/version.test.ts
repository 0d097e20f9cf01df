import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { VERSION, versionOf } from '../../../src/lib/version.ts';

const wanted = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));

test('the versions are those of the packages as installed', () => {
  expect(VERSION).toBe(wanted.version);
  expect(versionOf('rxjs')).toBe(wanted.dependencies.rxjs);
  expect(versionOf('@lancedb/lancedb')).toBe(wanted.dependencies['@lancedb/lancedb']);
});
