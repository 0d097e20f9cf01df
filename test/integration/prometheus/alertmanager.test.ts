/** What config/alertmanager does with the alerts of config/prometheus. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ALERTMANAGER_FILE, amtool } from '../../../testing/alertmanager.ts';
import { RULES_FILE } from '../../../testing/prometheus.ts';

type Inhibition = {
  readonly source_matchers: readonly [string];
  readonly target_matchers: readonly [string];
  readonly equal: readonly string[];
};
type Alert = { readonly alert: string; readonly expr: string; readonly labels: { readonly severity: string } };

const config = parse(readFileSync(ALERTMANAGER_FILE, 'utf8')) as { inhibit_rules: readonly Inhibition[] };
const alerts = (parse(readFileSync(RULES_FILE, 'utf8')) as { groups: { rules: Alert[] }[] }).groups.flatMap(
  ({ rules }) => rules,
);

test('amtool accepts the configuration', async () => {
  expect((await amtool('check-config', ALERTMANAGER_FILE)) ?? 'SUCCESS').toContain('SUCCESS');
});

test.each([
  ['info', 'nobody'],
  ['warning', 'people'],
  ['critical', 'people'],
])('what is %s is for %s', async (severity, receiver) => {
  const said = await amtool('config', 'routes', 'test', `--config.file=${ALERTMANAGER_FILE}`, `severity=${severity}`);
  expect((said ?? receiver).trim()).toBe(receiver);
});

describe.each(config.inhibit_rules)('$source_matchers hides $target_matchers', (rule) => {
  const named = ([matcher]: readonly [string]) =>
    alerts.filter(({ alert }) => new RegExp(`\\b${alert}\\b`).test(matcher));

  test('names alerts that there are, and hides none that is more severe', () => {
    const rank = ({ labels }: Alert) => ['info', 'warning', 'critical'].indexOf(labels.severity);
    const [source, targets] = [named(rule.source_matchers), named(rule.target_matchers)];
    expect(source).toHaveLength(1);
    expect(targets.map(({ alert }) => alert)).toEqual(rule.target_matchers[0].match(/\bSegmentd\w+/g));
    for (const target of targets) expect(rank(target)).toBeLessThanOrEqual(Math.max(...source.map(rank)));
  });

  test('compares labels that both have: one that neither has is equal for all', () => {
    const labels = ({ expr }: Alert) => expr.match(/by \(([^)]*)\)/)?.[1]?.split(', ') ?? ['job', 'instance'];
    expect(rule.equal.length).toBeGreaterThan(0);
    for (const alert of [...named(rule.source_matchers), ...named(rule.target_matchers)]) {
      expect(labels(alert), alert.alert).toEqual(expect.arrayContaining([...rule.equal]));
    }
  });
});
