/**
 * Whatever users and segmentd's workers, merging ones too, do to a table, in whatever order, the index answers as a scan would.
 *
 *   SEGMENTD_MODEL_RUNS=5000 npx vitest run --project long test/integration/model      more of it
 *   SEGMENTD_MODEL_SEED=… SEGMENTD_MODEL_PATH=… npx vitest …                                  the failure again
 */
import { access, constants, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LONG } from '../../../testing/long.ts';
import { findPylance, PYLANCE_VERSIONS } from '../../../testing/pylance.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import { startWorker } from '../../interop/worker.ts';
import { ModelTable } from './model-table.ts';
import type { Tally } from './run-scenario.ts';
import { runScenario } from './run-scenario.ts';
import { scenarios } from './steps.ts';
import type { OpenEngine } from './table-engine.ts';
import { openLanceDb, openPylance } from './table-engine.ts';

const { SEGMENTD_MODEL_RUNS: runs, SEGMENTD_MODEL_SEED: seed, SEGMENTD_MODEL_PATH: path } = process.env;

/** Files in memory, where there are such: the syncs of a commit cost more than all else of a run. */
const RAM_DISK = '/dev/shm';
const folder = () =>
  access(RAM_DISK, constants.W_OK).then(
    () => tempDir(RAM_DISK),
    () => tempDir(),
  );

/** What must happen and has not is given so many times as many runs again: chance alone fails no test. */
const MORE_ROUNDS = 9;

/** Of a short run: more would take more runs than it has. */
const SHORT_HAPPENS = ['landed', 'merge landed'];

const MUST_HAPPEN = [
  'landed',
  'rejected: nothing_left',
  'rejected: index_dropped',
  'fragments dropped',
  'segments skipped',
  'merge landed',
  'merge landed on a newer version',
  'merge rejected: input_gone',
];

async function holds(open: OpenEngine, { runs: most, mustHappen }: { runs: number; mustHappen: readonly string[] }) {
  const home = await folder();
  const base = await ModelTable.create(join(home, 'base'), open);
  base.close();
  const tally: Tally = new Map();
  let number = 0;
  const property = fc.asyncProperty(scenarios, async (scenario) => {
    const run = join(home, `run-${number++}`);
    try {
      await runScenario(scenario, base, run, tally);
    } finally {
      await rm(run, { recursive: true, force: true });
    }
  });
  const check = () =>
    fc.assert(property, {
      numRuns: Number(runs ?? most),
      ...(seed === undefined ? {} : { seed: Number(seed) }),
      ...(path === undefined ? {} : { path }),
      // On a busy machine too, shrinking ends after this long with the smallest failure found so far.
      interruptAfterTimeLimit: 1_500_000,
      markInterruptAsFailure: true,
    });
  const missing = () => mustHappen.filter((what) => !tally.has(what));
  await check();
  const isGiven = [runs, seed, path].some((it) => it !== undefined);
  for (let more = 0; !isGiven && missing().length > 0 && more < MORE_ROUNDS; more++) await check();
  process.stdout.write(`${[...tally].map(([what, times]) => `${what} ${times}`).join(', ')}\n`);
  if (!isGiven) expect(missing()).toEqual([]);
}

test('no interleaving breaks a table', { timeout: 1_800_000 }, () =>
  holds(openLanceDb, LONG ? { runs: 100, mustHappen: MUST_HAPPEN } : { runs: 20, mustHappen: SHORT_HAPPENS }),
);

test('nor one whose segments record row addresses, beside a Lance that makes such', {
  timeout: 1_800_000,
}, async () => {
  const pylance = await findPylance(PYLANCE_VERSIONS.newest);
  if (!pylance) return;
  const worker = startWorker(pylance);
  try {
    const short = { runs: 4, mustHappen: ['landed'] };
    await holds(openPylance(worker), LONG ? { runs: 30, mustHappen: MUST_HAPPEN } : short);
  } finally {
    await worker.stop();
  }
});
