import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { fleetDashboard, tableDashboard } from '../../../scripts/grafana/dashboard.ts';
import type { RunningServer } from '../../../src/http/listener.ts';
import { startServer } from '../../../src/http/probes.ts';
import type { Prometheus } from '../../../testing/prometheus.ts';
import { RULES_FILE, startPrometheus } from '../../../testing/prometheus.ts';
import { findPrometheus } from '../../../testing/prometheus-binaries.ts';
import { BEHIND, HELD, round, startUp, TABLE } from './workload.ts';

const FOLDER = resolve(RULES_FILE, '..');
/** Long enough that every rate over RATE_WINDOW has its samples. */
const WARM_UP = 'count_over_time(up{job="segmentd"}[30s]) >= 8';
const RATE_WINDOW = '5s';
/** A daemon that does not answer. */
const NOBODY = '127.0.0.1:1';

type Rules = { groups: { rules: { alert: string; expr: string }[] }[] };
type PanelJson = { title: string; targets?: { expr: string }[]; panels?: PanelJson[] };
type DashboardJson = { panels: PanelJson[]; annotations: { list: { name: string; expr?: string }[] } };
const alerts = (parse(readFileSync(RULES_FILE, 'utf8')) as Rules).groups.flatMap(({ rules }) => rules);
const dashboards = [fleetDashboard(), tableDashboard()].map((text) => JSON.parse(text) as DashboardJson);
const queries = dashboards.flatMap(({ panels, annotations }) => [
  ...panels
    .flatMap((panel) => [panel, ...(panel.panels ?? [])])
    .flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
  ...annotations.list.flatMap(({ name, expr }) => (expr === undefined ? [] : [[name, expr] as const])),
]);

/** Runs promtool; its output in the error when it complains. Undefined where there is no promtool to be had. */
async function promtool(args: string[], input = ''): Promise<string | undefined> {
  const binaries = await findPrometheus();
  if (binaries === undefined) return undefined;
  const running = promisify(execFile)(binaries.promtool, args);
  running.child.stdin?.end(input);
  return (await running).stdout;
}

describe('promtool', () => {
  test.each([
    ['the configuration', ['check', 'config', resolve(FOLDER, 'prometheus.yml')]],
    ['the alerts', ['check', 'rules', RULES_FILE]],
    ['where the links lead', ['check', 'rules', resolve(FOLDER, 'links.yml')]],
    ['the tests of the alerts', ['test', 'rules', resolve(FOLDER, 'rules.test.yml')]],
    ['the tests of the alerts that look back days', ['test', 'rules', resolve(FOLDER, 'rules.days.test.yml')]],
  ])('accepts %s', async (_, args) => {
    expect((await promtool(args)) ?? 'SUCCESS').toContain('SUCCESS');
  });

  test('finds nothing to lint in the names, types and help of our metrics', async () => {
    const { metrics, telemetry } = startUp();
    round(telemetry, 1);
    const own = (await metrics.render()).split('\n').filter((line) => /^(# (HELP|TYPE) )?segmentd_/.test(line));
    expect((await promtool(['check', 'metrics'], `${own.join('\n')}\n`)) ?? '').toBe('');
  });
});

describe('a Prometheus that scrapes', () => {
  let server: RunningServer;
  let prometheus: Prometheus | undefined;
  let page = '';
  let timer: NodeJS.Timeout;

  beforeAll(async () => {
    const { metrics, telemetry } = startUp();
    server = await startServer({
      host: '127.0.0.1',
      port: 0,
      metrics,
      health: { live: () => true, ready: () => true },
    });
    let n = 0;
    timer = setInterval(() => round(telemetry, ++n), 200);
    prometheus = await startPrometheus({ targets: [`127.0.0.1:${server.port}`, NOBODY] });
    await prometheus?.waitFor(WARM_UP, 30_000);
    page = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
  });

  afterAll(async () => {
    clearInterval(timer);
    await prometheus?.stop();
    await server.close();
  });

  /** As Grafana would send it, with windows that a short test can fill. */
  const filled = (expr: string, table: string = TABLE) =>
    expr
      .replaceAll('$__rate_interval', RATE_WINDOW)
      .replaceAll('$__range', RATE_WINDOW)
      .replaceAll(/\$(job|instance)\b/g, '.*')
      .replaceAll('$table', table);

  /** What an alert compares, without the comparisons: a healthy daemon crosses no bound, and has no past. */
  const compared = (expr: string) =>
    expr
      .replaceAll(/\s*[<>]=?\s*[\d.]+/g, '')
      .replace(' < on ', ' + on ')
      .replaceAll(/ offset \d+[dw]/g, '')
      .replaceAll(/ unless on \([\w, ]+\) (?:\([^)]*\)|\w+)/g, '')
      .replaceAll(/\[\d+[dh]:\d+m\]/g, `[${RATE_WINDOW}:1s]`);

  const everything = [...queries, ...alerts.map(({ alert, expr }) => [alert, compared(expr)] as const)];

  test.each(everything)('has an answer for %s: %s', async (_, expr) => {
    if (prometheus === undefined) return;
    const { query } = prometheus;
    const answers = await Promise.all([TABLE, BEHIND, HELD].map((table) => query(filled(expr, table))));
    expect(answers.flat()).not.toEqual([]);
  });

  test('knows every metric that the dashboard and the alerts name', () => {
    if (prometheus === undefined) return;
    const links = readFileSync(resolve(FOLDER, 'links.yml'), 'utf8');
    const recorded = [...links.matchAll(/record: (\w+)/g)].map(([, name]) => name);
    const served = new Set([...[...page.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name), ...recorded]);
    const text = JSON.stringify(dashboards) + alerts.map(({ expr }) => expr).join(' ');
    const named = new Set(text.match(/\b(segmentd|lance|nodejs|process)_[a-z0-9_]+/g));
    const unknown = [...named].filter(
      (name) => !served.has(name) && !served.has(name.replace(/_(bucket|sum|count)$/, '')),
    );
    expect(unknown).toEqual([]);
  });

  test('evaluates every alert', async () => {
    if (prometheus === undefined) return;
    const rules = await prometheus.rules();
    expect(rules.map(({ name }) => name)).toEqual(alerts.map(({ alert }) => alert));
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
  });

  test('raises the alert for a declined table', async () => {
    if (prometheus === undefined) return;
    const [alert] = await prometheus.waitFor('ALERTS{alertname="SegmentdTableDeclined",alertstate="firing"}', 10_000);
    expect(alert?.metric).toMatchObject({ table: 'lake/other', reason: 'table_stable_row_ids' });
  });

  test('shows the share of events covered in time', async () => {
    if (prometheus === undefined) return;
    const [, expr] = queries.find(([title]) => title.startsWith('Covered within')) ?? [];
    const [share] = await prometheus.query(filled(expr ?? ''));
    expect(share?.value).toBeCloseTo(0.5, 1);
  });
});
