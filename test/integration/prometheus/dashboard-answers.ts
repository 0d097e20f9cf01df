/** The panels of the dashboards, asked of a real Prometheus and shown by Grafana's own code. */
import { fleetDashboard, tableDashboard } from '../../../scripts/grafana/dashboard.ts';
import type { Grafana, PanelJson, Shown } from '../../../testing/grafana-data.ts';
import type { Prometheus, Series } from '../../../testing/prometheus.ts';

type DashboardJson = {
  readonly panels: readonly PanelJson[];
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr?: string }[] };
};
type DashboardName = 'fleet' | 'table';

const FILES: Readonly<Record<DashboardName, DashboardJson>> = {
  fleet: JSON.parse(fleetDashboard()),
  table: JSON.parse(tableDashboard()),
};

const panelsOf = (name: DashboardName): PanelJson[] =>
  FILES[name].panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]).filter(({ type }) => type !== 'row');

export function panelNamed(name: DashboardName, title: string): PanelJson {
  const found = panelsOf(name).find((panel) => panel.title === title);
  if (found === undefined) throw new Error(`no panel ${title}`);
  return found;
}

/** What the variables of the dashboards stand for. */
type Choice = { readonly table?: string; readonly range?: string };

function filled(expr: string, { table = '', range = '5m' }: Choice): string {
  return expr
    .replaceAll('$__rate_interval', '10s')
    .replaceAll('$__range', range)
    .replaceAll(/\$(job|instance)\b/g, '.*')
    .replaceAll('$table', table);
}

export class Dashboards {
  readonly #grafana: Grafana;
  readonly #prometheus: Prometheus;

  constructor(grafana: Grafana, prometheus: Prometheus) {
    this.#grafana = grafana;
    this.#prometheus = prometheus;
  }

  /** The answers to the queries of a panel, in their order. */
  answers(name: DashboardName, title: string, choice: Choice = {}): Promise<Series[][]> {
    const { targets = [] } = panelNamed(name, title);
    return Promise.all(targets.map(({ expr }) => this.#prometheus.query(filled(expr, choice))));
  }

  annotation(name: string): Promise<Series[]> {
    const expr = FILES.fleet.annotations.list.find((each) => each.name === name)?.expr ?? '';
    return this.#prometheus.query(filled(expr, {}));
  }

  async stat(name: DashboardName, title: string, choice: Choice = {}): Promise<Shown[]> {
    const panel = panelNamed(name, title);
    return this.#grafana.stat(panel, await this.answers(name, title, choice));
  }

  async table(title: string, choice: Choice = {}): Promise<Record<string, string>[]> {
    const panel = panelNamed('fleet', title);
    return this.#grafana.table(panel, await this.answers('fleet', title, choice));
  }

  /** Each stat of the first row, in a line: `1 running green`. */
  async first(name: DashboardName, choice: Choice = {}): Promise<Record<string, string>> {
    const stats = FILES[name].panels.filter(({ type }) => type === 'stat');
    const lines = stats.map(async ({ title }) => {
      const values = await this.stat(name, title, choice);
      const texts = values.map(({ name: of, text, colour }) => [text, of, colour].filter(Boolean).join(' '));
      return [title, texts.join(', ')] as const;
    });
    return Object.fromEntries(await Promise.all(lines));
  }
}
