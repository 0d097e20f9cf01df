import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { maintainSettings } from '../../../src/daemon/maintain-schedule.ts';

const load = (env: Record<string, string>) =>
  loadConfig({ env: { SEGMENTD_DATABASES: '{lake: /data/lake}', ...env }, cwd: '/' });
const DAY_MS = 86_400_000;
const OFF = { everyMs: null, smallFragments: null, deletedFraction: null };
const KEPT = { keepVersionsMs: 7 * DAY_MS, maxMemoryBytes: 2 ** 31 };

test('housekeeping is off unless it is asked for', () => {
  expect(maintainSettings(load({}), 'lake/t')).toEqual({ ...OFF, ...KEPT });
});

test('a table has what it says itself, else what is said for all', () => {
  const config = load({
    SEGMENTD_MAINTAIN_OPTIMIZE_EVERY: '24h',
    SEGMENTD_MAINTAIN_COMPACT_WHEN_DELETED_FRACTION: '0.2',
    SEGMENTD_TABLES:
      '{lake/t: {maintain: {compact_when: {small_fragments: 50}, keep_versions_for: 12h, max_memory: 512MiB}}, lake/u: {maintain: off}}',
  });
  const forAll = { everyMs: DAY_MS, smallFragments: null, deletedFraction: 0.2 };
  expect(maintainSettings(config, 'lake/t')).toEqual({
    ...{ ...forAll, smallFragments: 50 },
    ...{ keepVersionsMs: DAY_MS / 2, maxMemoryBytes: 2 ** 29 },
  });
  expect(maintainSettings(config, 'lake/u')).toEqual({ ...OFF, ...KEPT });
  expect(maintainSettings(config, 'lake/v')).toEqual({ ...forAll, ...KEPT });
});

test.each([
  [{ SEGMENTD_MAINTAIN_OPTIMIZE_EVERY: '59m' }, 'maintain.optimize_every: is less than an hour'],
  [{ SEGMENTD_MAINTAIN_OPTIMIZE_EVERY: 'daily' }, 'is no time such as'],
  [{ SEGMENTD_MAINTAIN_KEEP_VERSIONS_FOR: '7' }, 'maintain.keep_versions_for: '],
  [{ SEGMENTD_MAINTAIN_MAX_MEMORY: '255MiB' }, 'maintain.max_memory: is less than 256MiB'],
  [{ SEGMENTD_MAINTAIN_COMPACT_WHEN_SMALL_FRAGMENTS: '1' }, 'maintain.compact_when.small_fragments: '],
  [{ SEGMENTD_MAINTAIN_COMPACT_WHEN_DELETED_FRACTION: '0' }, 'maintain.compact_when.deleted_fraction: '],
  [{ SEGMENTD_TABLES: '{lake/t: {maintain: {optimize_every: 1m}}}' }, 'tables.lake/t'],
  [{ SEGMENTD_TABLES: '{lake/t: {maintain: never}}' }, 'tables.lake/t'],
])('%j is refused', (env, says) => {
  expect(() => load(env)).toThrow(says);
});
