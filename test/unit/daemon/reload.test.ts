import { expect, test } from 'vitest';
import type { LoadedConfig } from '../../../src/config/load.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { errorAt, warningAt } from '../../../src/daemon/findings.ts';
import { liveConfig } from '../../../src/daemon/live-config.ts';
import { createReload } from '../../../src/daemon/reload.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import { createTelemetry } from '../../../src/telemetry/events.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';

const load = (options: Record<string, string> = {}): LoadedConfig => ({
  config: loadConfig({ env: { SEGMENTD_DATABASES: '{lake: /lake}', ...options }, cwd: '/' }),
  file: '/etc/segmentd.yaml',
  placeOf: (path) => `file:${path.join('.')}`,
});

function world(first: Record<string, string> = {}) {
  const lines: Record<string, unknown>[] = [];
  const live = liveConfig(load(first).config);
  const logger = createLogger({ ...live.view.log, write: (line) => lines.push(JSON.parse(line)) });
  const metrics = createMetrics({ maxTables: 1, version: '1', lancedbVersion: '1', topic: 't' });
  const tables: string[] = [];
  const found: ReturnType<typeof errorAt>[] = [];
  const reload = createReload({
    live,
    telemetry: createTelemetry({ logger, metrics }),
    setLogLevel: (level) => {
      logger.level = level;
    },
    applied: (ids) => void tables.push(...ids),
    check: async () => found,
  });
  return { live, lines, logger, tables, found, reload };
}

test('what was taken over is in force before the log tells it', async () => {
  const { live, lines, tables, reload } = world();
  const tablesOption = '{lake/t: {indexes: [{column: id}]}}';
  await reload(() => load({ SEGMENTD_TABLES: tablesOption, SEGMENTD_HTTP_PORT: '1' }));
  expect(live.view.tables).toHaveProperty(['lake/t']);
  expect(live.view.http.port).toBe(9464);
  expect(tables).toEqual(['lake/t']);
  expect(lines).toMatchObject([
    {
      event: 'configReloaded',
      config: '/etc/segmentd.yaml',
      applied: ['tables.lake/t'],
      needs_restart: ['http.port'],
    },
    { event: 'optionNeedsRestart', option: 'http.port', at: 'file:http.port' },
  ]);
});

test.each([
  ['info', 'warn'],
  ['warn', 'info'],
  ['error', 'debug'],
])('a log level that goes from %s to %s is told, and in force', async (from, to) => {
  const { lines, logger, reload } = world({ SEGMENTD_LOG_LEVEL: from });
  await reload(() => load({ SEGMENTD_LOG_LEVEL: to }));
  expect(lines).toMatchObject([{ event: 'configReloaded', applied: ['log.level'] }]);
  expect(logger.level).toBe(to);
});

test('a warning about the configuration is told, and an error refuses it', async () => {
  const { live, lines, found, reload } = world();
  found.push(warningAt(['databases', 'lake'], 'there is no folder', 'database_not_found'));
  await reload(() => load({ SEGMENTD_MERGE_FACTOR: '5' }));
  expect(lines).toMatchObject([{ event: 'configReloaded' }, { event: 'configDoubted', code: 'database_not_found' }]);
  found.push(errorAt(['databases', 'lake'], 'is a file'));
  await reload(() => load({ SEGMENTD_MERGE_FACTOR: '6' }));
  expect(lines.at(-1)).toMatchObject({ event: 'configRefused', error: expect.stringContaining('is a file') });
  expect(live.view.merge.factor).toBe(5);
});

test('a configuration that cannot be loaded changes nothing, and the next one is taken over', async () => {
  const { live, lines, reload } = world();
  const before = live.current();
  const refused = reload(() => {
    throw new SegmentdError('config_invalid', 'the configuration has 1 problem');
  });
  const taken = reload(() => load({ SEGMENTD_MERGE_FACTOR: '5' }));
  await refused;
  expect(live.current()).toBe(before);
  await taken;
  expect(live.view.merge.factor).toBe(5);
  expect(lines).toMatchObject([{ event: 'configRefused', code: 'config_invalid' }, { event: 'configReloaded' }]);
});
