import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fleetDashboard, tableDashboard } from '../../../scripts/grafana/dashboard.ts';
import { METRICS, PREFIX } from '../../../src/telemetry/metric-catalogue.ts';

type Panel = {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource?: unknown;
  fieldConfig?: {
    defaults: {
      unit: string;
      thresholds: { steps: { color?: string; value: number | null }[] };
      mappings?: unknown[];
      links?: { url: string }[];
    };
  };
  links?: { url: string }[];
  targets?: { expr: string; legendFormat?: string; datasource: unknown }[];
};
type Model = {
  uid: string;
  title: string;
  annotations: { list: { name: string; expr?: string; enable: boolean }[] };
  templating: { list: { name: string; type: string }[] };
  links: { url: string }[];
  panels: (Panel & { collapsed?: boolean; panels?: Panel[] })[];
};
const models: Model[] = [fleetDashboard(), tableDashboard()].map((text) => JSON.parse(text));
const [fleet, table] = models as [Model, Model];
const everythingOf = ({ panels }: Model): Panel[] => panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
const panelsOf = (model: Model) => everythingOf(model).filter(({ type }) => type !== 'row');

describe.each(models.map((model) => [model.title, model] as const))('the dashboard %s', (_, model) => {
  const panels = panelsOf(model);

  test('can be provisioned: fixed uid, no id, a data source that is a variable', () => {
    expect(model).toMatchObject({ id: null, schemaVersion: 42 });
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
    const all = everythingOf(model);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    for (const visible of [model.panels, ...model.panels.flatMap((row) => (row.panels?.length ? [row.panels] : []))]) {
      for (const { gridPos: a, id } of visible) {
        expect(a.x + a.w).toBeLessThanOrEqual(24);
        const hits = visible.filter(
          ({ gridPos: b, id: other }) =>
            other !== id && a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h,
        );
        expect(hits).toEqual([]);
      }
    }
  });

  test('opens with its first row alone, and holds every other panel in a row', () => {
    const rows = model.panels.filter(({ type }) => type === 'row');
    expect(rows.map(({ collapsed }) => collapsed)).toEqual(rows.map((_, i) => i > 0));
    expect(rows[0]?.title).toBe('Is it fine?');
    const last = model.panels.findLastIndex(({ type }) => type !== 'row');
    expect(model.panels.slice(last + 1).every(({ panels: inside }) => inside?.length)).toBe(true);
    expect(model.panels.slice(1, last + 1).every(({ type }) => type === 'stat')).toBe(true);
  });

  test('uses no variable that it does not have', () => {
    const names = model.templating.list.map(({ name }) => name);
    const text = JSON.stringify(model.panels.concat(model.annotations as never)).replaceAll(/\$\{?__\w+/g, '');
    const used = new Set([...text.matchAll(/\$\{?([a-z]\w*)/g)].map(([, name]) => name));
    expect([...used].filter((name) => !names.includes(name ?? ''))).toEqual([]);
  });

  test('marks merges, restarts and pauses', () => {
    expect(model.annotations.list.slice(1).map(({ name }) => name)).toEqual(['Merges', 'Restarts', 'Pauses']);
  });

  test('leads to the other one', () => {
    const other = models.find(({ uid }) => uid !== model.uid);
    expect(model.links[0]?.url).toBe(`/d/${other?.uid}`);
  });

  test('asks for the value of a stat at the end of the shown time, and colours what has none', () => {
    const stats = panels.filter(({ type }) => type === 'stat');
    expect(stats.length).toBeGreaterThan(9);
    for (const { targets = [], fieldConfig } of stats) {
      expect(targets).toEqual(targets.map(() => expect.objectContaining({ instant: true, range: false })));
      expect(fieldConfig?.defaults.mappings?.[0]).toMatchObject({ type: 'special', options: { match: 'null+nan' } });
    }
  });
});

test('the dashboards show every metric there is', () => {
  const marked = models.flatMap(({ annotations }) => annotations.list.map(({ expr }) => expr));
  const shown = models.flatMap(panelsOf).flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  const text = [...shown, ...marked].join('\n');
  const names = Object.keys(METRICS).filter((name) => !new RegExp(`${PREFIX}${name}(_bucket)?\\{`).test(text));
  // Since the start of a process: after a restart it shows a merge of old rows alone. The dashboard divides the counters.
  expect(names).toEqual(['write_amplification']);
});

test('each panel of the fleet draws at most ten tables, indexes or members', () => {
  const open = panelsOf(fleet)
    .flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const))
    .filter(([, expr]) => /by \([^)]*\b(table|index|instance|partition|reason|operation)\b/.test(expr))
    .filter(([, expr]) => !/\b(top|bottom)k\(/.test(expr) && !/^(count|sum) ?\(/.test(expr));
  // One row for each daemon, each reason and each operation of the engine: there are few of them.
  expect(open.map(([title]) => title)).toEqual(['Dead letters by reason, 24 h', 'Engine requests, p99', 'Versions']);
});

test('panels turn red where the alerts fire', () => {
  const bounds = (title: string) =>
    panelsOf(fleet)
      .find((panel) => panel.title === title)
      ?.fieldConfig?.defaults.thresholds.steps.map(({ value }) => value);
  expect(bounds('Worst index lag')).toEqual([null, 30, 300]);
  expect(bounds('Records behind')).toEqual([null, 10_000]);
  expect(bounds('Failed builds in 10 min')).toEqual([null, 2]);
});

test('a series of a table leads to the dashboard of that table', () => {
  const named = panelsOf(fleet).filter(({ targets = [] }) =>
    targets.some(({ legendFormat }) => legendFormat?.includes('{{table}}')),
  );
  expect(named.length).toBeGreaterThan(10);
  for (const { fieldConfig } of named)
    expect(fieldConfig?.defaults.links?.[0]?.url).toContain(`/d/${table.uid}?var-table=`);
});

const page = (name: string) => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');

test('panels that an alert watches lead to its section of the runbook', () => {
  const urls = models.flatMap(panelsOf).flatMap(({ links = [] }) => links.map(({ url }) => url));
  expect(urls.length).toBeGreaterThan(20);
  const anchors = [...page('runbook.md').matchAll(/^### (\w+)$/gm)].map(([, name = '']) => name.toLowerCase());
  for (const url of urls) {
    expect(url).toMatch(/^\$\{docs:raw\}runbook\.md#/);
    expect(anchors).toContain(url.split('#')[1]);
  }
});

test('docs/dashboards.md says what each stat of the first rows shows', () => {
  const [, ...sections] = page('dashboards.md').split(/^## (?=Fleet|Table)/m);
  const documented = sections.map((text) =>
    [...text.matchAll(/^\| (?!stat |---)([^|]+) \|/gm)].map(([, title]) => title),
  );
  const titles = models.map(({ panels }) => panels.filter(({ type }) => type === 'stat').map(({ title }) => title));
  expect(documented).toEqual(titles);
});
