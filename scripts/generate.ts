/** Writes every generated file of the repository from the code that it describes: `npm run generate`. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { valuesSchema } from './describe-chart.ts';
import { cliPage } from './describe-cli.ts';
import { configurationPage, defaultsYaml } from './describe-config.ts';
import { errorsPage } from './describe-errors.ts';
import { parametersPage } from './describe-index-kinds.ts';
import { metricsPage } from './describe-metrics.ts';
import { openApi } from './describe-openapi.ts';
import { measurementsPage, readResults, withFigures } from './describe-performance.ts';
import { runbookPage } from './describe-runbook.ts';
import { answerSchemas, configSchema, eventSchema } from './describe-schemas.ts';
import { fleetDashboard, tableDashboard } from './grafana/dashboard.ts';
import { performancePlots } from './performance-plots.ts';

/** The generated files, by their path from the root of the repository. */
export function generated(): Readonly<Record<string, string>> {
  const results = readResults();
  return {
    'config/defaults.yaml': defaultsYaml(),
    // A chart may read files of its own folder alone.
    'config/deploy/helm/segmentd/files/rules.yml': readFileSync(
      new URL('../config/prometheus/rules.yml', import.meta.url),
      'utf8',
    ),
    'config/deploy/helm/segmentd/values.schema.json': valuesSchema(),
    'config/grafana/dashboards/segmentd-table.json': tableDashboard(),
    'config/grafana/dashboards/segmentd.json': fleetDashboard(),
    'docs/cli.md': cliPage(),
    'docs/configuration.md': configurationPage(),
    'docs/errors.md': errorsPage(),
    'docs/index-parameters.md': parametersPage(),
    'docs/measurements.md': measurementsPage(results),
    'docs/metrics.md': metricsPage(),
    // Written by hand, but for its figures.
    'docs/performance.md': withFigures(
      readFileSync(new URL('../docs/performance.md', import.meta.url), 'utf8'),
      results,
    ),
    ...performancePlots(results),
    'docs/runbook.md': runbookPage(),
    'schemas/append-event.json': eventSchema(),
    'schemas/config.json': configSchema(),
    'schemas/openapi.json': openApi(),
    ...answerSchemas(),
  };
}

if (import.meta.main) {
  for (const [path, content] of Object.entries(generated())) {
    const file = new URL(`../${path}`, import.meta.url);
    mkdirSync(new URL('.', file), { recursive: true });
    writeFileSync(file, content);
    process.stdout.write(`${path}\n`);
  }
}
