import { join, resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

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
