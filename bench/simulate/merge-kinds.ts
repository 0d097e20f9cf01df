/**
 * What merging costs and gains by kind of index, without a table: the model of merging.ts with what `npm run bench -- kinds` measured. Prints for
 * each kind and setting the segments, how much longer a lookup takes than on one rebuilt segment, and the processor time per batch of
 * 1,000 rows, the batch itself and its commit included.
 *
 *   npm run bench:simulate-kinds -- [--kind bitmap,fts] [--batches 10000] [--json]
 */
import { parseArgs } from 'node:util';
import { formatTable } from '../../src/commands/terminal/output.ts';
import type { MergeSettings } from '../../src/merge/policy/tiered.ts';
import { DEFAULT_MERGE, defaultMerge } from '../../src/merge/policy/tiered.ts';
import type { KindCost } from '../support/kind-costs.ts';
import { KIND_COSTS, lookupRatio } from '../support/kind-costs.ts';
import { simulate } from './merge-model.ts';

const BATCH_ROWS = 1_000;
const FACTORS = [2, 3, 4, 5, 7, 10, 16];
const BOUNDS = [6, 8, 10, 12, 16, 20, 30, 40];
const FLOORS = [1, 500, 1_000, 2_000, 5_000, 10_000, 20_000];

const { values: options } = parseArgs({
  options: {
    kind: { type: 'string', default: Object.keys(KIND_COSTS).join(',') },
    batches: { type: 'string', default: '10000' },
    json: { type: 'boolean', default: false },
  },
});
const batches = Number(options.batches);

const known = new Map<string, ReturnType<typeof simulate>>();
/** The segments go by the settings alone, whatever the kind. */
function simulated(settings: MergeSettings) {
  const key = JSON.stringify(settings);
  const result = known.get(key) ?? simulate(batches, () => () => BATCH_ROWS, settings);
  known.set(key, result);
  return result;
}

function figuresOf(cost: KindCost, settings: MergeSettings) {
  const { average, most, amplification, merges } = simulated(settings);
  const ms = (1 + merges / batches) * cost.fixedMs + (amplification * BATCH_ROWS * cost.usPerRow) / 1000;
  return { average, most, amplification, ratio: lookupRatio(cost, average), worst: lookupRatio(cost, most), ms };
}

const results = options.kind.split(',').map((kind) => {
  const cost = KIND_COSTS[kind as keyof typeof KIND_COSTS] as KindCost | undefined;
  if (!cost) throw new Error(`--kind is one of ${Object.keys(KIND_COSTS).join(', ')}`);
  const grid = FACTORS.flatMap((factor) =>
    BOUNDS.map((maxSegments) => ({
      ...{ factor, max_segments: maxSegments },
      ...figuresOf(cost, { ...DEFAULT_MERGE, factor, maxSegments }),
    })),
  );
  const own = defaultMerge(false, kind as keyof typeof KIND_COSTS);
  const floors = FLOORS.map((floorRows) => ({ floor_rows: floorRows, ...figuresOf(cost, { ...own, floorRows }) }));
  return { kind, defaults: own, chosen: figuresOf(cost, own), grid, floors };
});

if (options.json) process.stdout.write(`${JSON.stringify({ batches, results })}\n`);
else {
  const fixed = (value: number, digits: number) => value.toFixed(digits);
  const cells = (it: ReturnType<typeof figuresOf>) => [
    ...[
      fixed(it.average, 1),
      it.most,
      fixed(it.amplification, 2),
      fixed(it.ratio, 2),
      fixed(it.worst, 2),
      fixed(it.ms, 1),
    ],
  ];
  const header = ['average', 'most', 'amplification', 'lookup', 'at most', 'ms per batch'];
  for (const { kind, defaults, chosen, grid, floors } of results) {
    const lines = [
      `${kind}: ${batches.toLocaleString('en-US')} batches`,
      formatTable(
        ['factor', 'bound', ...header],
        grid.map((it) => [it.factor, it.max_segments, ...cells(it)]),
      ),
      `The defaults: factor ${defaults.factor}, bound ${defaults.maxSegments}, floor ${defaults.floorRows}`,
      formatTable(header, [cells(chosen)]),
      'The same by floor',
      formatTable(
        ['floor rows', ...header],
        floors.map((it) => [it.floor_rows, ...cells(it)]),
      ),
    ];
    process.stdout.write(`${lines.join('\n\n')}\n\n`);
  }
}
