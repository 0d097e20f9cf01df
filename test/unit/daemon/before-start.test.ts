import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { beforeStart } from '../../../src/daemon/before-start.ts';
import { createTelemetry } from '../../../src/telemetry/events.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

test('what an earlier process left in the scratch folder and nobody may remove is told after the start', async () => {
  const config = loadConfig({ env: { SEGMENTD_DATABASES: '{lake: .}' }, cwd: await tempDir() });
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({ ...config.log, write: (line) => lines.push(JSON.parse(line)) });
  const metrics = createMetrics({ maxTables: 1, version: '1', lancedbVersion: '1', topic: 't' });
  const tellStart = await beforeStart(config, createTelemetry({ logger, metrics }));
  tellStart(9464, ["EACCES: permission denied, rmdir '/scratch/host-7'"]);
  expect(lines).toMatchObject([
    { event: 'started' },
    {
      event: 'configDoubted',
      code: 'scratch_unusable',
      option: 'state.scratch_dir',
      problem: expect.stringContaining("rmdir '/scratch/host-7'"),
    },
  ]);
});
