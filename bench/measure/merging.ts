/**
 * What merging costs and gains, through the daemon's own pipeline on a real table: batches are appended one after the other, and
 * now and then lookups in the table as it is are compared with those in a copy whose index was rebuilt as one segment. All in one
 * run. Beside it the same without merging, for as many batches as `--unmerged` says: each lookup takes time by the square of them.
 * At last the frontier: for several `merge.factor`s the rows written per row, out of the model of the policy, and the lookups on
 * a copy with exactly the segments that the model ends with.
 *
 *   npm run bench:merging -- [--batches 10000] [--batch-rows 1000] [--checkpoints 8] [--rounds 40] [--unmerged 1000]
 *                         [--keys ascending|scattered] [--json]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Table } from '@lancedb/lancedb';
import { connect } from '@lancedb/lancedb';
import { formatTable, printJson, printLine } from '../../src/commands/terminal/output.ts';
import { lanceSegmentBuilder } from '../../src/lance/engine/segment-builder.ts';
import { requestFor } from '../../src/lance/plan/next-segments.ts';
import { DEFAULT_POLICY } from '../../src/lance/plan/row-ids.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { planMerges } from '../../src/merge/merge-plan.ts';
import { mergeTable } from '../../src/merge/merge-table.ts';
import type { MergeRun, MergesAhead } from '../../src/merge/policy/candidates.ts';
import { planMergeTo } from '../../src/merge/policy/reduce-to.ts';
import { DEFAULT_MERGE } from '../../src/merge/policy/tiered.ts';
import { localStore } from '../../src/store/local-store.ts';
import { quantile, screen } from '../../testing/screen.ts';
import { simulate } from '../simulate/merge-model.ts';
import type { Keys, Kind, Times } from '../support/lookups.ts';
import { copyTable, KINDS, lookUpInTurn } from '../support/lookups.ts';
import type { MergingWorld } from '../support/merging-world.ts';
import { makeMergingWorld } from '../support/merging-world.ts';

const FACTORS = [2, 3, 4, 5, 7, 10, 16];
const WRITER = { library: 'segmentd', version: 'bench' };

const { values: options } = parseArgs({
  options: {
    batches: { type: 'string', default: '10000' },
    'batch-rows': { type: 'string', default: '1000' },
    checkpoints: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '40' },
    unmerged: { type: 'string', default: '1000' },
    keys: { type: 'string', default: 'ascending' },
    json: { type: 'boolean', default: false },
  },
});
const batches = Number(options.batches);
const batchRows = Number(options['batch-rows']);
const unmerged = Number(options.unmerged);
const order = options.keys === 'scattered' ? 'scattered' : 'ascending';
const keysOf = (count: number): Keys => ({ rows: count * batchRows, order });

type Ratios = Record<Kind, number>;
type Lookups = { readonly ms: Ratios; readonly rebuiltMs: Ratios; readonly ratio: Ratios };

const mapKinds = (of: (kind: Kind) => number): Ratios => ({ point: of('point'), in10: of('in10'), range: of('range') });

/** Medians of two tables with alternating lookups. The ratio is that of the pairs of each round. */
function compare(here: Times, rebuilt: Times): Lookups {
  const pairs = (kind: Kind) => here[kind].map((ms, round) => ms / (rebuilt[kind][round] ?? Number.NaN));
  return {
    ms: mapKinds((kind) => quantile(here[kind], 0.5)),
    rebuiltMs: mapKinds((kind) => quantile(rebuilt[kind], 0.5)),
    ratio: mapKinds((kind) => quantile(pairs(kind), 0.5)),
  };
}

/** A copy of the table with other segments. Returns the name of the copy. */
async function copyWith(home: string, from: string, name: string, rule: () => MergesAhead | null): Promise<string> {
  const folder = join(home, 'db', `${name}.lance`);
  await rm(folder, { recursive: true, force: true });
  await copyTable(from, folder, 1);
  const table = new LanceTable(localStore(folder));
  const parts = {
    builder: lanceSegmentBuilder(join(home, 'scratch')),
    commit: { maxAttempts: 1, initialBackoffMs: 0, writer: WRITER },
    properties: {},
    withSlot: <T>(land: () => Promise<T>) => land(),
  };
  for (;;) {
    const manifest = await table.latest();
    const plan = planMerges(manifest, DEFAULT_POLICY, (segments) => rule() ?? planMergeTo(segments, 1));
    if (plan.merges.length === 0) return name;
    const result = await mergeTable(table, manifest, plan, parts);
    if (result.kind !== 'landed') throw new Error(`a merge of the copy was rejected: ${result.cause}`);
  }
}

async function openAll(home: string, names: readonly string[]) {
  const connection = await connect(join(home, 'db'));
  const tables = new Map<string, Table>();
  for (const name of names) tables.set(name, await connection.openTable(name));
  return {
    tables,
    close: () => {
      for (const table of tables.values()) table.close();
      connection.close();
    },
  };
}

/** Lookups in the tables of these names, in turn. */
async function timesOf(home: string, names: readonly string[], rounds: number, keys: Keys) {
  const { tables, close } = await openAll(home, names);
  const times = await lookUpInTurn(tables, rounds, keys);
  close();
  return times;
}

/** The table as it is beside a rebuilt copy. */
async function besideRebuilt(home: string, world: MergingWorld, rounds: number, keys: Keys): Promise<Lookups> {
  await copyWith(home, world.folder, 'rebuilt', () => null);
  const times = await timesOf(home, ['t', 'rebuilt'], rounds, keys);
  return compare(times.get('t') as Times, times.get('rebuilt') as Times);
}

const segmentsOf = async (world: MergingWorld) => (await world.table.latest()).indexes.length;
const count = (value: number) => value.toLocaleString('en-US');

/** Appends `total` batches, with a look at the lookups at each checkpoint of the second half. */
async function grow(home: string, merging: boolean, total: number, checkpoints: number, rounds: number) {
  const world = await makeMergingWorld(home, keysOf(total), batchRows, merging);
  const coveredMs: number[] = [];
  const looks: { batches: number; segments: number; amplification: number; lookups: Lookups }[] = [];
  let segments = 0;
  const started = performance.now();
  for (let at = 2; at <= total; at++) {
    coveredMs.push(await world.append());
    segments += await segmentsOf(world);
    const step = total / 2 / checkpoints;
    if (at <= total / 2 || Math.floor(at / step) === Math.floor((at - 1) / step)) continue;
    await world.merged();
    const appended = at * batchRows;
    // The first batch was indexed before the pipeline began.
    const written =
      batchRows + (await world.metric('segment_build_rows_total')) + (await world.metric('merge_rows_total'));
    // Of scattered keys all are somewhere already appended only at the end.
    const keys = { rows: order === 'ascending' ? appended : total * batchRows, order } as const;
    if (order === 'scattered' && at < total) continue;
    const lookups = await besideRebuilt(home, world, rounds, keys);
    const look = { batches: at, segments: await segmentsOf(world), amplification: written / appended, lookups };
    looks.push(look);
    screen.note(`${count(at)} batches, ${look.segments} segments: ${told(lookups)}`);
  }
  const seconds = (performance.now() - started) / 1000;
  const merges = await world.metric('merges_total{outcome="landed"}');
  await world.close();
  const fresh = { p50: quantile(coveredMs, 0.5), p99: quantile(coveredMs, 0.99) };
  return { world, batches: total, seconds, merges, averageSegments: segments / (total - 1), coveredMs: fresh, looks };
}

const told = ({ ms, rebuiltMs, ratio }: Lookups) =>
  KINDS.map(
    (kind) => `${kind} ${ms[kind].toFixed(2)} / ${rebuiltMs[kind].toFixed(2)} ms, ${ratio[kind].toFixed(2)}`,
  ).join('; ');

/** For each factor: the model's cost, and the lookups on a copy with the segments the model ends with. */
async function frontier(home: string, world: MergingWorld, rounds: number) {
  const models = FACTORS.map((factor) => ({
    factor,
    ...simulate(batches, () => () => batchRows, { ...DEFAULT_MERGE, factor }),
  }));
  for (const { factor, segments } of models) {
    const layout: MergeRun[] = segments.map(({ uuid, rows }) => ({ uuids: [uuid], rows, reason: 'asked' }));
    screen.note(`factor ${factor}: ${layout.length} segments`);
    await layOut(home, world, `factor_${factor}`, segments);
  }
  const names = models.map(({ factor }) => `factor_${factor}`);
  const times = await timesOf(home, ['rebuilt', ...names], rounds, keysOf(batches));
  return models.map(({ factor, amplification, average, most, segments }) => ({
    ...{ factor, amplification, average, most, segments: segments.length },
    lookups: compare(times.get(`factor_${factor}`) as Times, times.get('rebuilt') as Times),
  }));
}

/** A copy whose index has one segment per range of fragments that the model's segments cover. */
async function layOut(
  home: string,
  world: MergingWorld,
  name: string,
  model: readonly { positions: Uint32Array }[],
): Promise<void> {
  const folder = join(home, 'db', `${name}.lance`);
  await copyTable(world.folder, folder, 1);
  const table = new LanceTable(localStore(folder));
  const manifest = await table.latest();
  const { ids, rows } = manifest.fragments;
  const [state] = planMerges(manifest, DEFAULT_POLICY, (segments) => planMergeTo(segments, 1)).states;
  if (!state) throw new Error('the table has no index');
  const requests = model.map(({ positions }) =>
    requestFor(
      state,
      Uint32Array.from(positions, (position) => ids[position] as number),
      positions.reduce((sum, position) => sum + (rows[position] as number), 0),
    ),
  );
  const result = await mergeTable(
    table,
    manifest,
    { requests, remove: state.segments.map(({ uuid }) => uuid) },
    {
      builder: lanceSegmentBuilder(join(home, 'scratch')),
      commit: { maxAttempts: 1, initialBackoffMs: 0, writer: WRITER },
      properties: {},
      withSlot: (land) => land(),
    },
  );
  if (result.kind !== 'landed') throw new Error(`the layout ${name} was rejected: ${result.cause}`);
}

type Grown = Awaited<ReturnType<typeof grow>>;

function print(merged: Grown, without: Grown, points: Awaited<ReturnType<typeof frontier>>): void {
  const ms = (value: number) => value.toFixed(2);
  const header = [
    'batches',
    'segments',
    'rows written per row',
    ...KINDS.flatMap((kind) => [`${kind} ms`, 'rebuilt', 'ratio']),
  ];
  const cells = ({ ms: here, rebuiltMs, ratio }: Lookups) =>
    KINDS.flatMap((kind) => [ms(here[kind]), ms(rebuiltMs[kind]), ms(ratio[kind])]);
  const line = ({ batches: at, segments, amplification, lookups }: Grown['looks'][number]) => [
    ...[count(at), segments, ms(amplification)],
    ...cells(lookups),
  ];
  printLine(
    process.stdout,
    `Batches of ${count(batchRows)} rows, ${order} keys. Lookups: p50, beside the same index rebuilt as one segment.\n`,
  );
  printLine(
    process.stdout,
    `with merging, ${merged.averageSegments.toFixed(1)} segments on average, ${merged.merges} merges`,
  );
  printLine(process.stdout, formatTable(header, merged.looks.map(line)));
  printLine(process.stdout, '\nwithout merging');
  printLine(process.stdout, formatTable(header, without.looks.map(line)));
  const freshness = ({ coveredMs: { p50, p99 } }: Grown) => `p50 ${ms(p50)} ms, p99 ${ms(p99)} ms`;
  printLine(
    process.stdout,
    `\nfrom event to covered: ${freshness(merged)} with merging (${count(merged.batches)} batches), ${freshness(without)} without (${count(without.batches)})`,
  );
  printLine(process.stdout, '\nfrontier, the default in the middle');
  const frontierHeader = [
    'factor',
    'rows written per row',
    'average',
    'most',
    'at the end',
    ...KINDS.map((kind) => `${kind} ratio`),
  ];
  printLine(
    process.stdout,
    formatTable(
      frontierHeader,
      points.map((it) => [
        ...[it.factor, ms(it.amplification), it.average.toFixed(1), it.most, it.segments],
        ...KINDS.map((kind) => ms(it.lookups.ratio[kind])),
      ]),
    ),
  );
}

const home = await mkdtemp(join(tmpdir(), 'segmentd-merging-'));
try {
  const rounds = Number(options.rounds);
  screen.step(`${count(batches)} batches with merging`);
  const merged = await grow(join(home, 'with'), true, batches, Number(options.checkpoints), rounds);
  screen.step('the frontier');
  const points = await frontier(join(home, 'with'), merged.world, rounds);
  screen.step(`${count(unmerged)} batches without merging`);
  const without = await grow(join(home, 'without'), false, unmerged, 1, Math.min(rounds, 5));
  const plain = ({ world: _, ...facts }: Grown) => facts;
  if (options.json)
    printJson(process.stdout, {
      keys: order,
      batch_rows: batchRows,
      merged: plain(merged),
      without: plain(without),
      frontier: points,
    });
  else print(merged, without, points);
} finally {
  await rm(home, { recursive: true, force: true });
}
