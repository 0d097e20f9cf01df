/** The alerts of config/prometheus: what they say, where they lead, and that each has a test in which it fires and one in which it does not. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { METRICS, PREFIX } from '../../../src/telemetry/metric-catalogue.ts';

const ROOT = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), 'utf8');

type Alert = {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
};
type Check = {
  readonly eval_time: string;
  readonly exp_samples: readonly { readonly labels: string; readonly value: number }[];
};
type RuleTest = {
  readonly name: string;
  readonly input_series: readonly { readonly series: string }[];
  readonly promql_expr_test: readonly Check[];
};

const alerts: readonly Alert[] = parse(read('config/prometheus/rules.yml')).groups.flatMap(
  ({ rules }: { rules: Alert[] }) => rules,
);
const tests: readonly RuleTest[] = ['rules.test.yml', 'rules.days.test.yml'].flatMap(
  (file) => parse(read(`config/prometheus/${file}`)).tests,
);

/** The metrics of an expression, by their whole names. */
const metricsOf = (text: string) => new Set(text.match(/\b(segmentd|nodejs)_[a-z0-9_]+|\bup\b/g));
/** Metrics that name their table, and that an alert on them must therefore name. */
const TABLE_METRICS = Object.entries(METRICS)
  .filter(([, { labels }]) => (labels as readonly string[]).includes('table'))
  .map(([name]) => PREFIX + name);

describe.each(alerts)('$alert', ({ alert, expr, annotations, labels }) => {
  const own = tests.filter(({ name }) => new RegExp(`\\b${alert}\\b`).test(name));

  test('says what is wrong and what to do, at a known severity', () => {
    expect(Object.keys(annotations)).toEqual(['summary', 'action', 'runbook_url', 'dashboard']);
    for (const text of [annotations.summary, annotations.action]) expect(text).toMatch(/^\S.*\.$/);
    expect(['info', 'warning', 'critical']).toContain(labels.severity);
  });

  test('leads to its section of the runbook, and to a dashboard that is there', () => {
    const link = (label: string) => `{{ with query "segmentd_links" }}{{ first . | label "${label}" }}{{ end }}`;
    const headings = [...read('docs/runbook.md').matchAll(/^### (\S+)$/gm)].map(([, heading]) => heading);
    expect(headings).toContain(alert);
    expect(annotations.runbook_url).toBe(`${link('docs')}runbook.md#${alert.toLowerCase()}`);
    const [, uid] =
      /d\/([\w-]+)(\?var-table=\{\{ urlquery \$labels\.table \}\})?$/.exec(annotations.dashboard ?? '') ?? [];
    const folder = 'config/grafana/dashboards';
    const uids = readdirSync(new URL(folder, ROOT)).map((file) => JSON.parse(read(`${folder}/${file}`)).uid);
    expect(uids).toContain(uid);
    expect(annotations.dashboard).toBe(`${link('grafana')}${annotations.dashboard?.replace(/^.*?end \}\}/, '')}`);
  });

  test('names the table, where its metrics do', () => {
    const named = [...metricsOf(expr)].filter((name) => TABLE_METRICS.includes(name));
    // What these two compare is a time or a count of a member, from which a table alone is left out.
    const isOfMember = /by \(job, instance\)/.test(expr);
    if (named.length === 0) return;
    expect(annotations.summary).toMatch(isOfMember ? /label "table"/ : /\{\{ \$labels\.table \}\}/);
  });

  test('has a test of its name in which it does not fire, and one in which it does', () => {
    const checks = own.flatMap(({ promql_expr_test: all }) => all);
    const fires = checks.filter(({ exp_samples: samples }) =>
      samples.some(({ labels: text, value }) => text.includes(`alertname="${alert}"`) && value > 0),
    );
    expect(fires.length).toBeGreaterThan(0);
    expect(checks.filter(({ exp_samples: samples }) => samples.length === 0).length).toBeGreaterThan(0);
  });

  test('is tested with all that it looks at', () => {
    const given = metricsOf(own.flatMap(({ input_series: all }) => all.map(({ series }) => series)).join(' '));
    expect([...metricsOf(expr)].filter((name) => !given.has(name))).toEqual([]);
  });
});

test('every test of alerts is of one that is there', () => {
  const names = new Set(alerts.map(({ alert }) => alert));
  const strays = tests.flatMap(({ name }) => name.match(/\bSegmentd\w+/g) ?? [name]).filter((name) => !names.has(name));
  expect(strays).toEqual([]);
});

test('the links have one place to change them, where the address of the docs is that of the package if it has one', () => {
  const [rule] = parse(read('config/prometheus/links.yml')).groups[0].rules;
  const { repository } = JSON.parse(read('package.json')) as { repository?: { url: string } };
  expect(rule).toMatchObject({ record: 'segmentd_links', labels: { grafana: expect.stringMatching(/^http.*\/$/) } });
  if (repository === undefined) expect(rule.labels.docs).toBe('docs/');
  else expect(rule.labels.docs).toMatch(/^https:.*\/docs\/$/);
});
