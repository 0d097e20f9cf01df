/**
 * What a backfill by many workers takes, simulated: see `commit-contention.ts`. A table of 10,000,000,000 rows, on a store whose commits
 * take milliseconds and on one whose requests take tens of them. *Contention* is the share of the workers' time that went into
 * conflicts, waiting after them, and batches that were built again; *given up* counts the latter. The random numbers are seeded.
 *
 *   npm run bench:simulate-scaling -- [--rows 10000000000] [--fragments 10000] [--workers 1,2,8,64,1024] [--partitions 1024]
 *     [--rows-per-segment 2000000] [--batch-rows 5000000,50000000,200000000] [--linger]
 *     [--build-fixed-ms 12] [--build-us-per-row 0.2] [--indexes 2] [--commit-ms 3] [--request-ms 50] [--seed 1] [--json]
 *
 * The builds' defaults were near what `npm run bench -- backfill` prints; a commit of 3 ms stands for one of the table of
 * `npm run bench -- commit`. `--request-ms` is a write to the object store; a read takes 0.6 of it and a look 0.4, and nothing
 * more than 100 MB a second: the round figures of a store far away, since segmentd has none to measure yet.
 */
import { parseArgs } from 'node:util';
import { formatTable, printJson, printLine } from '../../src/commands/terminal/output.ts';
import { conflictBackoffMs } from '../../src/lance/commit/conflict-wait.ts';
import type { ConflictWait, Outcome, Scenario, Store } from '../../testing/commit-contention.ts';
import { simulateBackfill } from '../../testing/commit-contention.ts';

const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000000000' },
    fragments: { type: 'string', default: '10000' },
    workers: { type: 'string', default: '1,2,8,64,1024' },
    partitions: { type: 'string', default: '1024' },
    'rows-per-segment': { type: 'string', default: '2000000' },
    linger: { type: 'boolean', default: false },
    'batch-rows': { type: 'string', default: '5000000,50000000,200000000' },
    'build-fixed-ms': { type: 'string', default: '12' },
    'build-us-per-row': { type: 'string', default: '0.2' },
    indexes: { type: 'string', default: '2' },
    'commit-ms': { type: 'string', default: '3' },
    'request-ms': { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const list = (text: string) => text.split(',').map(Number);
const [indexes, commitMs, requestMs] = [options.indexes, options['commit-ms'], options['request-ms']].map(Number) as [
  number,
  number,
  number,
];
const rowsPerPart = Number(options['rows-per-segment']);

/** Bytes of a fragment in a manifest, and of a segment: `makeWideTable` and the segments of `npm run bench -- backfill`. */
const FRAGMENT_BYTES = 90;
const SEGMENT_BYTES = 400;

const STORES = {
  disk: { lookMs: 0.01 * commitMs, readMs: 0.05 * commitMs, writeMs: 0.48 * commitMs, bytesPerMs: 1_300_000 },
  objects: { lookMs: 0.4 * requestMs, readMs: 0.6 * requestMs, writeMs: requestMs, bytesPerMs: 100_000 },
} as const satisfies Record<string, Store>;
type StoreName = keyof typeof STORES;
const STORE_NAMES = Object.keys(STORES) as StoreName[];

/** Attempts and waits: those of the configuration and of `commitChange`, and those that came before. */
const RULES = {
  now: {
    maxAttempts: 100,
    waitMs: (conflicts, attemptMs, random) => conflictBackoffMs(conflicts, { firstMs: 20, attemptMs }, random),
  },
  before: { maxAttempts: 20, waitMs: (conflicts, _, random) => random() * Math.min(1000, 20 * 2 ** (conflicts - 1)) },
} as const satisfies Record<string, { maxAttempts: number; waitMs: ConflictWait }>;
type RuleName = keyof typeof RULES;

const scenario = (store: StoreName, rules: RuleName, workers: number, batchRows: number): Scenario => ({
  ...RULES[rules],
  store: STORES[store],
  workers,
  partitions: Number(options.partitions),
  parts: Math.ceil(Number(options.rows) / rowsPerPart),
  rowsPerPart,
  batchRows,
  lingers: options.linger,
  build: {
    fixedMs: indexes * Number(options['build-fixed-ms']),
    perRowMs: (indexes * Number(options['build-us-per-row'])) / 1000,
  },
  manifest: { bytes: Number(options.fragments) * FRAGMENT_BYTES, bytesPerPart: indexes * SEGMENT_BYTES },
  retry: { initialMs: 500, maxMs: 60_000 },
  seed: Number(options.seed),
});

type Line = Outcome & {
  readonly store: StoreName;
  readonly rules: RuleName;
  readonly workers: number;
  readonly batchRows: number;
  readonly speedup: number;
};

const lines: Line[] = STORE_NAMES.flatMap((store) =>
  list(options['batch-rows']).flatMap((batchRows) => {
    const alone = simulateBackfill(scenario(store, 'now', 1, batchRows)).seconds;
    return list(options.workers).flatMap((workers) =>
      (Object.keys(RULES) as RuleName[]).map((rules) => {
        const outcome = simulateBackfill(scenario(store, rules, workers, batchRows));
        return { store, rules, workers, batchRows, ...outcome, speedup: alone / outcome.seconds };
      }),
    );
  }),
);

function report(rules: RuleName): void {
  const percent = (share: number) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
  const header = ['store', 'batch rows', 'workers', 'seconds', 'speed-up', 'efficiency', 'commits', 'conflicts/commit'];
  const more = ['most conflicts', 'given up', 'contention'];
  const own = lines.filter((it) => it.rules === rules);
  const cells = own.map((it) => [
    it.store,
    `${it.batchRows / 1e6} M`,
    it.workers,
    it.seconds.toFixed(it.seconds < 100 ? 1 : 0),
    it.speedup.toFixed(it.speedup < 10 ? 2 : 0),
    percent(it.speedup / it.workers),
    it.commits,
    (it.conflicts / it.commits).toFixed(2),
    it.mostConflicts,
    it.givenUp,
    percent(it.contending),
  ]);
  printLine(process.stdout, `${formatTable([...header, ...more], cells)}\n`);
}

if (options.json) printJson(process.stdout, { options, stores: STORES, lines });
else {
  const rows = Number(options.rows).toLocaleString('en-US');
  printLine(
    process.stdout,
    `${rows} rows, ${indexes} indexes, ${rowsPerPart.toLocaleString('en-US')} rows per segment\n`,
  );
  report('now');
  printLine(process.stdout, 'The same with a second at most between 20 attempts\n');
  report('before');
}
