import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { defineConfig } from 'vitest/config';
import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

/** Test files, daemons and commands are processes by the hundred, and each would compile the same modules: half of what a start costs. */
process.env.NODE_COMPILE_CACHE ??= join(
  resolve(process.env.SEGMENTD_CACHE_DIR || join(import.meta.dirname, '.cache')),
  'compiled',
);

/** What only `npm run test:all` runs: faults that take their time, and versions beside the newest. */
const LONG_ONLY = [
  'test/integration/{chaos,deploy,security}/**/*.test.ts',
  'test/integration/kafka/faults.test.ts',
  'test/integration/kill/daemon-kill.test.ts',
  'test/integration/e2e/{asked-work,memory,namespaces,notifications,package,producers,reload,runbook}.test.ts',
  'test/integration/e2e/{self-check-turmoil,tracing,tracing-losses}.test.ts',
  'test/integration/lance/{check-fresh,soak}.test.ts',
  'test/integration/page/*.test.ts',
  'test/integration/prometheus/dashboards.test.ts',
  'test/integration/stores/{clouds,kill}.test.ts',
  'test/interop/{advice,compatibility,handmade-index,oldest-kinds}.test.ts',
  'test/interop/pylance-{oldest,middle}.test.ts',
];

/** What `npm test` runs in a short form and `npm run test:all` in the long one: see testing/long.ts. */
const SHORT_AND_LONG = [
  'test/integration/http/guarded.test.ts',
  'test/integration/stores/polling.test.ts',
  'test/conformance/object-store.test.ts',
  'test/integration/kill/pipeline-kill.test.ts',
  'test/integration/lance/{failed-compactions,neighbours,optimize}.test.ts',
  'test/integration/model/model.test.ts',
  'test/interop/{auto-cleanup,full-text,packed-structs,pylance-newest,shallow-clones,vectors}.test.ts',
];

/** Unit tests that replace a module for the whole of their process. The others share processes: most take less than a process does. */
const ALONE = ['test/unit/{commands/tables/catch-up,lance/commit/commit-change,lib/scratch}.test.ts'];

/** Half a minute or more in one of the projects, about the longest first: begun last, one of them would run on while nothing else is left to do. */
const SLOWEST = [
  'test/integration/model/model.test.ts',
  'test/integration/kill/pipeline-kill.test.ts',
  'test/conformance/object-store.test.ts',
  'test/integration/lance/soak.test.ts',
  'test/interop/pylance-newest.test.ts',
  'test/interop/pylance-oldest.test.ts',
  'test/integration/stores/clouds.test.ts',
  'test/integration/e2e/notifications.test.ts',
  'test/interop/pylance-middle.test.ts',
  'test/integration/deploy/chart.test.ts',
  'test/interop/compatibility.test.ts',
  'test/integration/stores/kill.test.ts',
  'test/integration/security/tls.test.ts',
  'test/integration/e2e/namespaces.test.ts',
  'test/integration/kill/daemon-kill.test.ts',
  'test/integration/e2e/package.test.ts',
  'test/integration/http/guarded.test.ts',
  'test/integration/lance/failed-compactions.test.ts',
  'test/integration/page/page.test.ts',
  'test/integration/chaos/broker.test.ts',
  'test/integration/deploy/image.test.ts',
  'test/integration/security/sasl.test.ts',
  'test/integration/bench/bench.test.ts',
  'test/integration/stores/faults.test.ts',
  'test/integration/prometheus/prometheus.test.ts',
  'test/integration/stores/main-job.test.ts',
  'test/integration/e2e/lifecycle.test.ts',
].map((name) => resolve(import.meta.dirname, name));

/** Without it the largest files come first in a fresh clone, and what a file takes has nothing to do with its size. */
class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const gone = SLOWEST.filter((file) => !existsSync(file));
    if (gone.length > 0) throw new Error(`no longer there: ${gone.join(', ')}`);
    const placeOf = ({ moduleId }: TestSpecification) => {
      const at = SLOWEST.indexOf(moduleId);
      return at < 0 ? SLOWEST.length : at;
    };
    const byProject = Map.groupBy(await super.sort(files), ({ project }) => project.name);
    return [...byProject.values()].flatMap((group) => group.sort((a, b) => placeOf(a) - placeOf(b)));
  }
}

const unit = {
  // Each takes milliseconds; this is when a test hangs, on a machine that is busy with other things.
  testTimeout: 60_000,
  sequence: { groupOrder: 0 },
};

/** Test files that share a broker. Most of them wait half of their time, for daemons and for brokers. */
const withBroker = {
  globalSetup: ['test/global-broker.ts'],
  maxWorkers: 4,
  testTimeout: 120_000,
  hookTimeout: 120_000,
};

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: SlowestFirst },
    projects: [
      {
        extends: true,
        test: {
          ...unit,
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/*.test.ts'],
          exclude: ALONE,
          isolate: false,
        },
      },
      { extends: true, test: { ...unit, name: 'unit-alone', include: ALONE } },
      {
        extends: true,
        test: {
          ...withBroker,
          name: 'integration',
          include: ['test/{conformance,integration,interop,regression}/**/*.test.ts'],
          exclude: LONG_ONLY,
          provide: { long: false },
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          ...withBroker,
          name: 'long',
          include: [...LONG_ONLY, ...SHORT_AND_LONG],
          provide: { long: true },
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
