/**
 * What the number of segments costs a search for neighbours: the segments that the merge policy of the kind leaves after many appends, and
 * one index that is built over the same rows with as many partitions as Lance makes of its own accord, both compared with an exact search, at the same number of probes. Probes count per segment.
 * All in one run, the two asked in turn.
 *
 *   npm run bench:recall -- [--kind ivf_pq] [--seed 7] [--appends 100] [--rows 2000] [--dimensions 64] [--queries 100]
 *                           [--factor 3] [--max-segments 4] [--json]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Table, VectorQuery } from '@lancedb/lancedb';
import { connect } from '@lancedb/lancedb';
import { formatTable } from '../../src/commands/terminal/output.ts';
import { DEFAULT_MIN_ROWS } from '../../src/lance/plan/index-plan.ts';
import { PARTITION_ROWS } from '../../src/lance/plan/kinds/vector.ts';
import type { KindName } from '../../src/lib/index-kinds.ts';
import { stopwatch } from '../../src/lib/stopwatch.ts';
import { defaultMerge } from '../../src/merge/policy/tiered.ts';
import { quantile, screen } from '../../testing/screen.ts';
import { vectorRows } from '../../testing/vector-rows.ts';
import { driftingVectors } from '../support/drifting-vectors.ts';
import { copyTable } from '../support/lookups.ts';
import { buildSegments, segmentsAfter } from '../support/vector-segments.ts';

const { values: options } = parseArgs({
  options: {
    kind: { type: 'string', default: 'ivf_pq' },
    seed: { type: 'string', default: '7' },
    appends: { type: 'string', default: '100' },
    rows: { type: 'string', default: '2000' },
    dimensions: { type: 'string', default: '64' },
    queries: { type: 'string', default: '100' },
    bits: { type: 'string' },
    factor: { type: 'string' },
    'max-segments': { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const kind = options.kind as KindName;
const [appends, rows, dimensions] = [Number(options.appends), Number(options.rows), Number(options.dimensions)];
const queries = Number(options.queries);
const NEIGHBOURS = 10;
const WARM_UP = 10;

const defaults = defaultMerge(false, kind);
const settings = {
  ...defaults,
  factor: Number(options.factor ?? defaults.factor),
  maxSegments: Number(options['max-segments'] ?? defaults.maxSegments),
};
const parameters = {
  metric: 'l2',
  ...(kind.endsWith('pq') && { num_sub_vectors: dimensions / 4 }),
  ...(options.bits && { num_bits: Number(options.bits) }),
};

const MODES: Readonly<Record<string, (query: VectorQuery) => VectorQuery>> = {
  default: (query) => query,
  'nprobes 1': (query) => query.nprobes(1),
  'nprobes 5': (query) => query.nprobes(5),
  'nprobes 5, refine 5': (query) => query.nprobes(5).refineFactor(5),
};

const vectors = driftingVectors(Number(options.seed), dimensions, appends);

async function makeTable(database: string): Promise<void> {
  screen.step(`${appends} appends of ${rows} vectors of ${dimensions} dimensions, seed ${options.seed}`);
  const connection = await connect(database);
  const batch = (append: number) => vectorRows(append * rows, vectors(append, rows), { dimensions });
  const table = await connection.createTable('many', batch(0));
  for (let append = 1; append < appends; append++) await table.add(batch(append));
  table.close();
  connection.close();
}

async function makeIndexes(database: string) {
  const folder = (name: string) => join(database, `${name}.lance`);
  await copyTable(folder('many'), folder('one'));
  const { segments, written } = segmentsAfter(appends, rows, DEFAULT_MIN_ROWS, settings);
  const scratch = join(database, 'scratch');
  const indexed = segments.reduce((sum, it) => sum + it.rows, 0);
  screen.step(`${segments.length} segments of ${kind}`);
  const partitions = await buildSegments(folder('many'), scratch, kind, parameters, segments);
  screen.step('one segment');
  const whole = { fragments: segments.flatMap(({ fragments }) => fragments), rows: indexed, tableRows: indexed };
  const [onePartitions] = await buildSegments(folder('one'), scratch, kind, parameters, [whole], {
    num_partitions: Math.max(1, Math.round(indexed / PARTITION_ROWS[kind as keyof typeof PARTITION_ROWS])),
  });
  return {
    segments: segments.map((it, at) => ({ rows: it.rows, partitions: partitions[at] })),
    one_partitions: onePartitions,
    unindexed: appends * rows - indexed,
    rows_written: written / indexed,
  };
}

const ask = (table: Table, query: Float32Array) =>
  table.query().nearestTo(query).distanceType('l2').select(['id', '_distance']).limit(NEIGHBOURS);

async function idsOf(query: VectorQuery): Promise<number[]> {
  return Array.from((await query.toArrow()).getChild('id') ?? [], Number);
}

type Side = { hits: number; readonly times: number[] };

/** Each query to both in turn, the first of them changing, so that a busy machine is busy for both. */
async function measure(database: string) {
  const connection = await connect(database);
  const tables = { many: await connection.openTable('many'), one: await connection.openTable('one') };
  // Half of the time of the middle, half of the last append.
  const half = Math.ceil(queries / 2);
  const all = [
    ...[vectors(appends / 2, half), vectors(appends - 1, half)].flatMap((values) =>
      Array.from({ length: half }, (_, at) => values.slice(at * dimensions, (at + 1) * dimensions)),
    ),
  ];
  const truth: Set<number>[] = [];
  for (const query of all) truth.push(new Set(await idsOf(ask(tables.one, query).bypassVectorIndex())));
  const modes = [];
  for (const [mode, how] of Object.entries(MODES)) {
    screen.step(mode);
    const sides: Record<'many' | 'one', Side> = { many: { hits: 0, times: [] }, one: { hits: 0, times: [] } };
    for (let round = -WARM_UP; round < all.length; round++) {
      const at = (round + all.length) % all.length;
      const order = round % 2 === 0 ? (['many', 'one'] as const) : (['one', 'many'] as const);
      for (const side of order) {
        const lap = stopwatch();
        const found = await idsOf(how(ask(tables[side], all[at] as Float32Array)));
        if (round < 0) continue;
        sides[side].times.push(lap());
        sides[side].hits += found.filter((id) => truth[at]?.has(id)).length;
      }
    }
    modes.push({ mode, ...figures(sides, all.length * NEIGHBOURS) });
  }
  tables.many.close();
  tables.one.close();
  connection.close();
  return modes;
}

function figures({ many, one }: Record<'many' | 'one', Side>, most: number) {
  // Of each query by itself: what else the machine did meanwhile, it did to both.
  const ratios = many.times.map((ms, at) => ms / (one.times[at] as number));
  return {
    recall_many: many.hits / most,
    recall_one: one.hits / most,
    recall_ratio: many.hits / one.hits,
    ms_many: quantile(many.times, 0.5),
    ms_one: quantile(one.times, 0.5),
    latency_ratio: quantile(many.times, 0.5) / quantile(one.times, 0.5),
    latency_ratio_p25: quantile(ratios, 0.25),
    latency_ratio_p75: quantile(ratios, 0.75),
  };
}

const database = await mkdtemp(join(tmpdir(), 'segmentd-bench-'));
try {
  await makeTable(database);
  const made = await makeIndexes(database);
  const modes = await measure(database);
  if (options.json) {
    const { seed } = options;
    process.stdout.write(`${JSON.stringify({ kind, parameters, seed, appends, rows, dimensions, ...made, modes })}\n`);
  } else {
    const sizes = made.segments.map((it) => `${it.rows} in ${it.partitions}`).join(', ');
    process.stdout.write(
      `\n${kind}: segments of rows in partitions ${sizes}; one in ${made.one_partitions}; ${made.unindexed} rows without an index; rows written per row ${made.rows_written.toFixed(2)}\n\n`,
    );
    const header = ['probes', 'recall', 'of one', 'ratio', 'ms', 'of one', 'ratio', 'p25 to p75'];
    const lines = modes.map((it) => [
      ...[it.mode, it.recall_many.toFixed(4), it.recall_one.toFixed(4), it.recall_ratio.toFixed(4)],
      ...[it.ms_many.toFixed(2), it.ms_one.toFixed(2), it.latency_ratio.toFixed(2)],
      `${it.latency_ratio_p25.toFixed(2)} to ${it.latency_ratio_p75.toFixed(2)}`,
    ]);
    process.stdout.write(`${formatTable(header, lines)}\n`);
  }
} finally {
  await rm(database, { recursive: true, force: true });
}
