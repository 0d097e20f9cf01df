import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { sweepSeconds, withoutBroker } from '../../../src/config/sweep-interval.ts';

const load = (env: Record<string, string>) =>
  loadConfig({ env: { SEGMENTD_DATABASES: '{lake: /lake}', ...env }, cwd: '/' });

test.each([
  [{}, 10, 'no broker: polls every 10 s'],
  [{ SEGMENTD_SWEEP_INTERVAL_S: '3' }, 3, 'no broker: polls every 3 s'],
  [{ SEGMENTD_KAFKA_BROKERS: 'a:9092' }, 600, undefined],
  [{ SEGMENTD_KAFKA_BROKERS: 'a:9092', SEGMENTD_SWEEP_INTERVAL_S: '0' }, 0, undefined],
])('%j: every table each %d s', (env, seconds, mode) => {
  const config = load(env as Record<string, string>);
  expect([sweepSeconds(config), withoutBroker(config)]).toEqual([seconds, mode]);
});
