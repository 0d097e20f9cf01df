import { describe, expect, test } from 'vitest';
import { dashboard } from '../../../scripts/grafana/dashboard.ts';
import { METRICS, PREFIX } from '../../../src/telemetry/metric-catalogue.ts';

type Panel = {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource?: unknown;
  fieldConfig?: { defaults: { unit: string; thresholds: { steps: { color?: string; value: number | null }[] } } };
  targets?: { expr: string; datasource: unknown }[];
};
const model = JSON.parse(dashboard());
const all: Panel[] = model.panels;
const panels = all.filter(({ type }) => type !== 'row');

describe('the dashboard', () => {
  test('can be provisioned: fixed uid, no id, a data source that is a variable', () => {
    expect(model).toMatchObject({ uid: 'segmentd', id: null, schemaVersion: 42 });
    expect(model.templating.list[0]).toMatchObject({ type: 'datasource', name: 'datasource' });
    const sources = panels.flatMap(({ datasource, targets = [] }) => [datasource, ...targets.map((t) => t.datasource)]);
    for (const source of sources) expect(source).toEqual({ type: 'prometheus', uid: `\${datasource}` });
  });

  test.each(panels.map((panel) => [panel.title, panel] as const))('%s has a unit and says what to do', (_, panel) => {
    expect(panel.fieldConfig?.defaults.unit).toMatch(/./);
    expect(panel.description).toMatch(/^.{30,}[.]$/);
    expect(panel.targets?.length).toBeGreaterThan(0);
  });

  test('has a colour for every bound', () => {
    const steps = panels.flatMap(({ fieldConfig }) => fieldConfig?.defaults.thresholds.steps ?? []);
    expect(steps.filter(({ color }) => color === undefined)).toEqual([]);
  });

  test('lays its panels out in the grid without overlap', () => {
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    for (const { gridPos: a, id } of all) {
      expect(a.x + a.w).toBeLessThanOrEqual(24);
      const hits = all.filter(
        ({ gridPos: b, id: other }) =>
          other !== id && a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h,
      );
      expect(hits).toEqual([]);
    }
  });

  test('shows every metric there is', () => {
    const shown = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)).join('\n');
    const names = Object.keys(METRICS).filter((name) => !new RegExp(`${PREFIX}${name}(_bucket)?\\{`).test(shown));
    expect(names).toEqual([]);
  });

  test('turns red where the alerts fire', () => {
    const bounds = (title: string) =>
      panels.find((panel) => panel.title === title)?.fieldConfig?.defaults.thresholds.steps.map(({ value }) => value);
    expect(bounds('Worst index lag')).toEqual([null, 30, 300]);
    expect(bounds('Records behind')).toEqual([null, 10_000]);
    expect(bounds('Failed builds in 10 min')).toEqual([null, 2]);
  });
});
