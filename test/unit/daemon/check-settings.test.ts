import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { checkSettings, checksAny } from '../../../src/daemon/check-settings.ts';

const load = (env: Record<string, string>) =>
  loadConfig({ env: { SEGMENTD_DATABASES: '{lake: /data/lake}', ...env }, cwd: '/' });

test('nothing is checked unless it is asked for', () => {
  const config = load({ SEGMENTD_TABLES: '{lake/t: {verify: off}, lake/u: {verify: {samples: 7}}}' });
  expect([checkSettings(config, 'lake/t').every, checksAny(config)]).toEqual([0, false]);
});

test('a table has what it says itself, else what is said for all', () => {
  const tables = { SEGMENTD_TABLES: '{lake/t: {verify: {sample_every: 3}}, lake/u: {verify: off}}' };
  const alone = load(tables);
  expect([checkSettings(alone, 'lake/t'), checkSettings(alone, 'lake/v').every, checksAny(alone)]).toEqual([
    { every: 3, samples: 5 },
    0,
    true,
  ]);
  const config = load({ ...tables, SEGMENTD_VERIFY_SAMPLE_EVERY: '10', SEGMENTD_VERIFY_SAMPLES: '2' });
  expect(['lake/t', 'lake/u', 'lake/v'].map((id) => checkSettings(config, id))).toEqual([
    { every: 3, samples: 2 },
    { every: 0, samples: 2 },
    { every: 10, samples: 2 },
  ]);
});

test.each([
  [{ SEGMENTD_VERIFY_SAMPLE_EVERY: '-1' }, 'verify.sample_every: '],
  [{ SEGMENTD_VERIFY_SAMPLES: '0' }, 'verify.samples: '],
  [{ SEGMENTD_VERIFY_EVIDENCE_DIR: '/data/lake/evidence' }, 'verify.evidence_dir: /data/lake/evidence lies inside'],
  [{ SEGMENTD_TABLES: '{lake/t: {verify: {sample_every: 0}}}' }, 'tables.lake/t'],
  [{ SEGMENTD_TABLES: '{lake/t: {verify: never}}' }, 'tables.lake/t'],
])('%j is refused', (env, says) => {
  expect(() => load(env)).toThrow(says);
});
