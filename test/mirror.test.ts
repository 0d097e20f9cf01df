/** Tests lie where their subject does: a file of `src` with logic has its test at the same place below `test/unit`. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const REPO = fileURLToPath(new URL('../', import.meta.url));

/** Tests with another name than their subjects, which are these files. */
const TESTS_OF: Readonly<Record<string, readonly string[]>> = {
  'test/unit/config/compose.test.ts': ['docker-compose.yml'],
  'test/unit/config/load.test.ts': ['src/config/schema.ts', 'src/config/option.ts', 'src/config/yaml-source.ts'],
  'test/unit/config/rules.test.ts': ['src/config/database-options.ts', 'src/config/kafka-options.ts'],
  'test/unit/config/table-policy.test.ts': ['src/config/index-option.ts'],
  'test/unit/commands/cli.test.ts': [
    'src/commands/config.ts',
    'src/commands/daemons/check-config.ts',
    'src/commands/terminal/error-answer.ts',
    'src/commands/place-options.ts',
  ],
  'test/unit/daemon/maintain-schedule.test.ts': ['src/config/maintain-options.ts'],
  'test/integration/e2e/optimize-command.test.ts': [
    'src/commands/optimize.ts',
    'src/commands/tables/optimize-now.ts',
    'src/commands/tables/table-cost-report.ts',
  ],
  'test/integration/lance/optimize.test.ts': [
    'src/lance/engine/optimize-table.ts',
    'src/lance/engine/optimize-child.ts',
    'src/lance/engine/engine-process.ts',
  ],
  'test/integration/lance/merge-process.test.ts': [
    'src/lance/engine/merge-process.ts',
    'src/lance/engine/merge-child.ts',
  ],
  'test/unit/control/configured-tables.test.ts': ['src/store/open-store.ts'],
  'test/unit/docs/pages.test.ts': ['README.md'],
  'test/unit/events/append-event.test.ts': ['src/events/append-fields.ts', 'src/events/json-value.ts'],
  'test/unit/events/repeated-bytes.test.ts': ['src/events/append-event.ts'],
  'test/unit/events/decode-record.test.ts': ['src/events/append-event.ts', 'src/kafka/corrupt-batch.ts'],
  'test/unit/http/listener.test.ts': ['src/http/request-body.ts'],
  'test/unit/http/tables-api.test.ts': ['src/http/wait-requests.ts'],
  'test/unit/lance/commit/commit-change.test.ts': [
    ...['src/lance/commit/next-version.ts', 'src/lance/commit/put-version.ts', 'src/lance/commit/roll-back.ts'],
  ],
  'test/unit/lance/plan/index-kind.test.ts': ['src/lance/plan/kinds/kind.ts', 'src/lance/plan/kinds/btree.ts'],
  'test/unit/lance/plan/index-plan.test.ts': [...['src/lance/plan/next-segments.ts', 'src/lance/plan/wanted-index.ts']],
  'test/integration/lance/scalar-kinds.test.ts': [
    ...['src/lance/plan/kinds/bitmap.ts', 'src/lance/plan/kinds/label-list.ts', 'src/lance/plan/kinds/fm.ts'],
  ],
  'test/integration/lance/check-fresh.test.ts': ['src/lance/inspect/check-fresh.ts'],
  'test/integration/e2e/self-check.test.ts': ['src/daemon/open-self-checks.ts'],
  'test/unit/daemon/check-settings.test.ts': ['src/config/verify-options.ts'],
  'test/integration/lance/vectors.test.ts': ['src/lance/engine/sample-neighbours.ts'],
  'test/unit/lance/table/table.test.ts': ['src/lance/table/newest-version.ts'],
  'test/unit/kafka/consumer/partition-queues.test.ts': ['src/kafka/consumer/partition-queue.ts'],
  'test/unit/lance/table/inferred-kinds.test.ts': ['src/lance/table/file-place.ts'],
  'test/unit/lance/table/last-commit.test.ts': ['src/lance/codec/manifest-transaction.ts'],
  'test/unit/lance/plan/rewritten-column.test.ts': ['src/lance/plan/table-plan.ts'],
  'test/unit/merge/scheduler.test.ts': ['src/merge/merge-table.ts'],
  'test/unit/stages/provenance.test.ts': ['src/model.ts'],
  'test/unit/stages/refusals.test.ts': ['src/pipeline.ts', 'src/stages/retry.ts'],
  'test/unit/stages/round.test.ts': [
    ...['src/stages/plan.ts', 'src/stages/build.ts', 'src/stages/commit.ts'],
    ...['src/lance/commit/apply-build.ts', 'src/lance/engine/build-unless-stale.ts'],
  ],
  'test/unit/telemetry/events.test.ts': [
    ...['src/telemetry/event-catalogue.ts', 'src/telemetry/event-context.ts', 'src/telemetry/intake-events.ts'],
    ...['src/telemetry/maintenance-events.ts', 'src/telemetry/self-check-events.ts'],
    ...['src/telemetry/merge-events.ts', 'src/telemetry/table-events.ts', 'src/telemetry/work-events.ts'],
    ...['src/telemetry/error-throttle.ts', 'src/telemetry/tier-counts.ts'],
  ],
  'test/unit/telemetry/logger.test.ts': ['src/telemetry/pretty.ts'],
  'test/unit/telemetry/metrics.test.ts': [
    ...['src/telemetry/metric-catalogue.ts', 'src/telemetry/engine-metrics.ts', 'src/telemetry/table-series.ts'],
  ],
  'test/integration/page/page.test.ts': [
    ...['src/page/page.js', 'src/page/head.js', 'src/page/table-rows.js', 'src/page/cells.js', 'src/page/dom.js'],
    ...['src/page/strip.js', 'src/page/tip.js', 'src/page/ticker.js', 'src/page/recent-lists.js'],
    ...['src/page/table-page.js', 'src/page/chart.js', 'src/page/control-panel.js'],
  ],
  'test/conformance/object-store.test.ts': ['src/store/local-store.ts'],
  'test/integration/chaos/group.test.ts': ['src/kafka/consumer/supervisor.ts'],
  'test/integration/e2e/backfill.test.ts': [
    'src/commands/backfill.ts',
    'src/commands/daemons/share-out.ts',
    'src/events/publish-events.ts',
  ],
  'test/integration/e2e/command-line.test.ts': [
    ...['src/commands/announce.ts', 'src/commands/run.ts', 'src/commands/status.ts'],
    ...[
      'src/commands/daemons/announce-append.ts',
      'src/commands/daemons/run-daemon.ts',
      'src/commands/daemons/show-status.ts',
    ],
  ],
  'test/integration/e2e/config-check.test.ts': [
    ...['src/daemon/check-online.ts', 'src/daemon/findings.ts', 'src/daemon/before-start.ts'],
  ],
  'test/integration/e2e/completions.test.ts': [
    'src/commands/completions.ts',
    'src/commands/terminal/shell-completions.ts',
  ],
  'test/unit/commands/daemons/write-config.test.ts': ['src/commands/init.ts'],
  'test/integration/e2e/top.test.ts': ['src/commands/top.ts', 'src/commands/daemons/show-top.ts'],
  'test/integration/e2e/dead-letter-commands.test.ts': [
    ...['src/commands/dead-letters.ts', 'src/commands/daemons/letter-commands.ts', 'src/commands/daemons/letters.ts'],
  ],
  'test/integration/e2e/doctor.test.ts': ['src/commands/doctor.ts', 'src/commands/daemons/examine.ts'],
  'test/integration/e2e/index-command.test.ts': [
    'src/commands/index-table.ts',
    'src/commands/tables/index-columns.ts',
    'src/commands/tables/catch-up-parts.ts',
  ],
  'test/integration/e2e/lifecycle.test.ts': [
    ...['src/daemon/daemon.ts', 'src/daemon/kafka-hooks.ts', 'src/daemon/kafka-settings.ts'],
    'src/daemon/open-broker.ts',
    ...['src/daemon/pipeline-context.ts', 'src/daemon/open-control.ts', 'src/lance/engine/engine-recorder.ts'],
  ],
  'test/integration/e2e/reload.test.ts': ['src/commands/daemons/run-daemon.ts', 'src/commands/terminal/io.ts'],
  'test/integration/e2e/main-job.test.ts': ['src/pipeline.ts'],
  'test/integration/e2e/main.test.ts': ['src/main.ts', 'src/commands/terminal/io.ts'],
  'test/integration/e2e/merge-command.test.ts': ['src/commands/merge.ts', 'src/commands/tables/merge-segments.ts'],
  'test/integration/e2e/namespaces.test.ts': [
    'src/commands/tables/read-catalog.ts',
    'src/lance/engine/catalog-rows.ts',
  ],
  'test/integration/e2e/operators.test.ts': [
    ...[
      'src/control/control-topic.ts',
      'src/kafka/follow-topic.ts',
      'src/kafka/notifications.ts',
      'src/commands/daemons/daemon-status.ts',
    ],
    ...['src/store/list-tables.ts'],
  ],
  'test/integration/e2e/producers.test.ts': ['src/kafka/partition-of.ts'],
  'test/integration/e2e/asked-work.test.ts': ['src/daemon/work-schedules.ts'],
  'test/integration/e2e/status-api.test.ts': ['src/daemon/open-status.ts', 'src/daemon/open-outputs.ts'],
  'test/integration/e2e/status.test.ts': [
    'src/commands/tables/table-status.ts',
    'src/commands/tables/database-status.ts',
  ],
  'test/integration/e2e/steer.test.ts': [
    ...['src/commands/steer.ts', 'src/commands/daemons/send-command.ts', 'src/commands/daemons/control-client.ts'],
    'src/commands/daemons/daemon-request.ts',
  ],
  'test/integration/e2e/tracing.test.ts': ['src/tracing/open-tracing.ts', 'src/daemon/open-traces.ts'],
  'test/integration/e2e/wait.test.ts': ['src/commands/wait.ts', 'src/commands/tables/await-coverage.ts'],
  'test/integration/http/guarded.test.ts': [
    ...['src/daemon/open-listener.ts', 'src/daemon/operator-token.ts', 'src/http/answer.ts', 'src/http/listen.ts'],
    'src/http/tls-files.ts',
  ],
  'test/integration/e2e/writer.test.ts': ['src/writer.ts'],
  'test/integration/kafka/dead-letters.test.ts': ['src/kafka/lag.ts', 'src/kafka/topics.ts'],
  'test/integration/kafka/faults.test.ts': ['src/kafka/producer.ts'],
  'test/integration/kafka/kafkajs.test.ts': ['src/kafka/request-queue-patch.ts'],
  'test/integration/kafka/missing-topics.test.ts': ['src/kafka/prepare-topics.ts'],
  'test/integration/kafka/source.test.ts': [
    ...['src/kafka/consumer/source.ts', 'src/kafka/consumer/group-consumer.ts'],
    'src/kafka/consumer/offset-committer.ts',
  ],
  'test/integration/lance/build.test.ts': [
    ...['src/lance/engine/segment-builder.ts', 'src/lance/engine/fragment-view.ts', 'src/lance/engine/make-indexes.ts'],
  ],
  'test/integration/lance/full-text.test.ts': ['src/lance/engine/sample-texts.ts'],
  'test/integration/lance/verify.test.ts': [
    ...[
      'src/lance/engine/sample-answers.ts',
      'src/lance/engine/sample-conditions.ts',
      'src/lance/engine/asked-table.ts',
    ],
    ...[
      'src/lance/inspect/asked-place.ts',
      'src/lance/inspect/prove-index.ts',
      'src/commands/verify.ts',
      'src/commands/tables/print-verification.ts',
    ],
  ],
  'test/interop/auto-cleanup.test.ts': ['src/lance/engine/commit-nothing.ts'],
  'test/integration/security/tls.test.ts': ['src/kafka/client.ts'],
};

/** Paths of the modules below a folder of the repository, from its root. */
const filesIn = (folder: string): string[] =>
  readdirSync(join(REPO, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => MODULE.test(path))
    .map((path) => join(folder, path))
    .sort();

const MODULE = /\.(ts|js)$/;

const isThere = (path: string) => existsSync(join(REPO, path));

function parse(path: string): ts.SourceFile {
  return ts.createSourceFile(path, readFileSync(join(REPO, path), 'utf8'), ts.ScriptTarget.Latest, true);
}

/** Whether there is anything to run: types and constants alone have nothing to test. */
function hasLogic(path: string): boolean {
  const search = (node: ts.Node): boolean =>
    (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) ||
    ts.isClassDeclaration(node) ||
    (ts.forEachChild(node, search) ?? false);
  return search(parse(path));
}

const knownNames = new Map<string, readonly string[]>();

/** Files that a file names by their path: imports of every form, and programs that it starts. */
function namedIn(path: string): readonly string[] {
  const known = knownNames.get(path) ?? readNames(path);
  knownNames.set(path, known);
  return known;
}

function readNames(path: string): string[] {
  const named: string[] = [];
  const search = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) && /\.(ts|js|yml|md)$/.test(node.text) && !node.text.startsWith('/')) {
      // Data files are named from the root, too.
      named.push(join(dirname(path), node.text), ...(node.text.startsWith('.') ? [] : [node.text]));
    }
    ts.forEachChild(node, search);
  };
  search(parse(path));
  return [...new Set(named)].filter(isThere);
}

/** Everything that a file reaches by naming it, itself included. */
function reachedFrom(path: string): Set<string> {
  const reached = new Set([path]);
  for (const file of reached) {
    if (MODULE.test(file)) for (const next of namedIn(file)) reached.add(next);
  }
  return reached;
}

const mirrorOf = (source: string) =>
  join('test/unit', relative('src', dirname(source)), `${basename(source, extname(source))}.test.ts`);

describe('a file of src with logic', () => {
  const elsewhere = new Set(Object.values(TESTS_OF).flat());

  test('has a test of its name, or is a subject of another', () => {
    const untested = filesIn('src').filter(
      (file) => hasLogic(file) && !isThere(mirrorOf(file)) && !elsewhere.has(file),
    );
    expect(untested).toEqual([]);
  });

  test.each(Object.entries(TESTS_OF))('is reached by the test %s, if that is where it is tested', (path, subjects) => {
    expect([path, ...subjects].filter((file) => !isThere(file))).toEqual([]);
    const reached = reachedFrom(path);
    expect(subjects.filter((file) => !reached.has(file))).toEqual([]);
  });
});

test('every unit test has its subject', () => {
  const subjectOf = (path: string) => relative('test/unit', path).replace(/\.test\.ts$/, '');
  const astray = filesIn('test/unit').filter((path) => {
    const subject = subjectOf(path);
    const places = [
      join('src', `${subject}.ts`),
      join('src', `${subject}.js`),
      `${subject}.ts`,
      `${subject}.md`,
      subject,
    ];
    return path.endsWith('.test.ts') && !(path in TESTS_OF) && !places.some(isThere);
  });
  expect(astray).toEqual([]);
});

describe('what is shared lies in testing/', () => {
  /** What all of them are about, and what `npm run build` makes of it: nothing depends on whether that has run. */
  const ALWAYS = ['src', 'dist'];
  /** Roots that a folder may name files of, beside these. */
  const MAY_REACH: Readonly<Record<string, readonly string[]>> = {
    test: ['test', 'testing', 'scripts', 'bench'],
    bench: ['bench', 'testing'],
    demo: ['demo', 'testing'],
    testing: ['testing'],
    // The pages show what the benchmarks measured, in the form in which they print it.
    scripts: ['scripts', 'bench'],
    src: [],
  };

  test.each(Object.entries(MAY_REACH))('%s/ imports from src and from %j', (folder, roots) => {
    const strays = filesIn(folder).flatMap((file) =>
      namedIn(file)
        .filter((named) => MODULE.test(named) && ![...roots, ...ALWAYS].includes(named.split('/')[0] ?? ''))
        .map((named) => `${file} imports ${named}`),
    );
    expect(strays).toEqual([]);
  });
});
