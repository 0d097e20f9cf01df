import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { liveConfig } from '../../../src/daemon/live-config.ts';
import { mergeSchedule } from '../../../src/daemon/pipeline-context.ts';

const load = (env: Record<string, string>) =>
  loadConfig({ env: { SEGMENTD_DATABASES: '{lake: /lake}', ...env }, cwd: '/' });

test('what reads the configuration at each use sees the one that replaced it', () => {
  const before = load({});
  const after = load({ SEGMENTD_MERGE_FACTOR: '5', SEGMENTD_MERGE_CONCURRENCY: '0' });
  const live = liveConfig(before);
  expect({ ...live.view }).toEqual(before);
  const schedule = mergeSchedule(live.view);
  const factor = () => schedule.settings({ id: 'lake/t', database: 'lake', name: 't', uri: '/lake/t.lance' }).factor;
  expect([factor(), schedule.concurrency]).toEqual([7, 1]);
  live.replace(after);
  expect([factor(), schedule.concurrency]).toEqual([5, 0]);
  expect(live.current()).toBe(after);
});
