import { describe, expect, test } from 'vitest';
import { METRICS, PREFIX } from '../../../src/telemetry/metric-catalogue.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';

const create = () => createMetrics({ maxTables: 5, version: '1', lancedbVersion: '2', topic: 'appends' });

describe('at start', () => {
  test('every metric has its help and type', async () => {
    const page = await create().render();
    for (const [name, { type }] of Object.entries(METRICS)) expect(page).toContain(`# TYPE ${PREFIX}${name} ${type}\n`);
  });

  test('known labels stand at 0', async () => {
    const page = await create().render();
    expect(page).toContain('segmentd_events_total{topic="appends",outcome="accepted"} 0');
    expect(page).toContain('segmentd_dead_letters_total{reason="event_not_json"} 0');
    expect(page).toContain('segmentd_tables_declined{reason="table_stable_row_ids"} 0');
    expect(page).toContain('segmentd_state{state="running"} 0');
    expect(page).toContain('segmentd_rebalances_total 0');
    expect(page).toContain(`segmentd_build_info{version="1",lancedb_version="2",node_version="${process.version}"} 1`);
  });

  test('what is not known shows nothing', async () => {
    expect(await create().render()).not.toMatch(/^segmentd_(consumer_lag_records|index_lag_seconds|unacked_events)\{/m);
  });
});

test('two registries do not share values', async () => {
  const [a, b] = [create(), create()];
  a.inc('rebalances_total', {});
  expect(await b.render()).toContain('segmentd_rebalances_total 0');
});

describe('metrics of the engine', () => {
  const point = { kind: 'counter' as const, help: 'Says "a\\b"', labels: { operation: 'a"b\\c\nd' } };

  test('stand in families behind one type', async () => {
    const metrics = create();
    metrics.engine(() => [
      { ...point, name: 'lance_x_seconds_bucket', labels: { le: '+Inf' }, value: 2 },
      { ...point, name: 'lance_requests_total', value: 3 },
      { ...point, name: 'lance_x_seconds_sum', labels: {}, value: 0.5 },
    ]);
    const page = await metrics.render();
    expect(page).toContain(
      '# TYPE lance_x_seconds histogram\nlance_x_seconds_bucket{le="+Inf"} 2\nlance_x_seconds_sum 0.5\n',
    );
    expect(page).toContain('# HELP lance_requests_total Says "a\\\\b"\n# TYPE lance_requests_total counter\n');
    expect(page).toContain('lance_requests_total{operation="a\\"b\\\\c\\nd"} 3\n');
  });

  test('that cannot be read cost only themselves', async () => {
    const metrics = create();
    metrics.engine(() => {
      throw new Error('not installed');
    });
    expect(await metrics.render()).toContain('segmentd_rebalances_total 0');
  });
});
