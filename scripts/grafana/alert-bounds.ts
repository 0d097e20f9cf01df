/** What config/prometheus/rules.yml says of each alert, so that a panel turns red where its alert fires and leads to the same page. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

const RULES = new URL('../../config/prometheus/rules.yml', import.meta.url);

type Rule = { readonly alert: string; readonly expr: string };
type Rules = { readonly groups: readonly { readonly rules: readonly Rule[] }[] };

const alerts = (parse(readFileSync(RULES, 'utf8')) as Rules).groups.flatMap(({ rules }) => rules);

function alertNamed(name: string): Rule {
  const found = alerts.find(({ alert }) => alert === name);
  if (found === undefined) throw new Error(`no alert ${name}`);
  return found;
}

/** The bound of an alert: the number its expression ends in. */
export function bound(alert: string): number {
  const number = /[<>]=? *([\d.]+)\s*$/.exec(alertNamed(alert).expr)?.[1];
  if (number === undefined) throw new Error(`${alert} compares with no number`);
  return Number(number);
}

/** The hidden variable of the dashboards that holds the address of the docs, as config/prometheus/links.yml says it. */
export const DOCS = { name: 'docs', query: 'label_values(segmentd_links, docs)' } as const;

export const RUNBOOK = `\${${DOCS.name}:raw}runbook.md`;

/** Where the runbook speaks of an alert. */
export const runbookOf = (alert: string): string => `${RUNBOOK}#${alertNamed(alert).alert.toLowerCase()}`;
