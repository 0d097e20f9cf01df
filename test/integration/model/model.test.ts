/**
 * Whatever users and segmentd's workers, merging ones too, do to a table, in whatever order, the index answers as a scan would.
 *
 *   SEGMENTD_MODEL_RUNS=5000 npx vitest run --project long test/integration/model      more of it
 *   SEGMENTD_MODEL_SEED=… SEGMENTD_MODEL_PATH=… npx vitest …                                  the failure again
 */
import { randomInt } from 'node:crypto';
import { access, constants, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LONG } from '../../../testing/long.ts';
import { findPylance, PYLANCE_VERSIONS } from '../../../testing/pylance.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import type { Worker } from '../../interop/worker.ts';
import { startWorker } from '../../interop/worker.ts';
import type { Indexes } from './model-indexes.ts';
import { DRAWN, EACH_KIND, ON_STABLE_ROW_IDS } from './model-indexes.ts';
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

type Holding = {
  readonly runs: number;
  readonly mustHappen: readonly string[];
  /** What tables have. */
  readonly drawn: readonly Indexes[];
};

async function holds(open: OpenEngine, { runs: most, mustHappen, drawn }: Holding) {
  const home = await folder();
  const bases = new Map<string, ModelTable>();
  for (const indexes of drawn) {
    const kinds = indexes.map(({ name }) => name).join();
    const base = await ModelTable.create(join(home, kinds), indexes, open);
    base.close();
    bases.set(kinds, base);
  }
  const tally: Tally = new Map();
  const ours = seed === undefined ? randomInt(2 ** 31) : Number(seed);
  let number = 0;
  const property = fc.asyncProperty(scenarios, fc.constantFrom(...bases.keys()), async (scenario, kinds) => {
    const run = join(home, `run-${number++}`);
    try {
      await runScenario(scenario, bases.get(kinds) as ModelTable, run, tally);
    } finally {
      await rm(run, { recursive: true, force: true });
    }
  });
  const check = (round: number) =>
    fc.assert(property, {
      numRuns: Number(runs ?? most),
      seed: ours + round,
      ...(path === undefined ? {} : { path }),
      // On a busy machine too, shrinking ends after this long with the smallest failure found so far.
      interruptAfterTimeLimit: 1_500_000,
      markInterruptAsFailure: true,
    });
  const missing = () => mustHappen.filter((what) => !tally.has(what));
  await check(0);
  const isGiven = [runs, seed, path].some((it) => it !== undefined);
  for (let round = 1; !isGiven && missing().length > 0 && round <= MORE_ROUNDS; round++) await check(round);
  process.stdout.write(`seed ${ours}: ${[...tally].map(([what, times]) => `${what} ${times}`).join(', ')}\n`);
  if (!isGiven) expect(missing()).toEqual([]);
}

test('no interleaving breaks a table', { timeout: 1_800_000 }, () =>
  holds(openLanceDb, {
    ...(LONG ? { runs: 150, mustHappen: MUST_HAPPEN } : { runs: 18, mustHappen: SHORT_HAPPENS }),
    drawn: LONG ? DRAWN : EACH_KIND,
  }),
);

describe('beside pylance', () => {
  let worker: Worker | undefined;
  beforeAll(async () => {
    const pylance = await findPylance(PYLANCE_VERSIONS.newest);
    if (pylance) worker = startWorker(pylance);
  }, 600_000);
  afterAll(() => worker?.stop());

  test('nor one that pylance writes', { timeout: 1_800_000 }, async () => {
    if (!worker) return;
    const short = { runs: 3, mustHappen: ['landed'], drawn: EACH_KIND };
    const long = { runs: 25, mustHappen: SHORT_HAPPENS, drawn: DRAWN };
    await holds(openPylance(worker, false), LONG ? long : short);
  });

  test('nor one whose segments record row addresses', { timeout: 1_800_000 }, async () => {
    if (!worker) return;
    const short = { runs: 4, mustHappen: ['landed'], drawn: ON_STABLE_ROW_IDS };
    const long = { runs: 30, mustHappen: MUST_HAPPEN, drawn: ON_STABLE_ROW_IDS };
    await holds(openPylance(worker, true), LONG ? long : short);
  });
});
