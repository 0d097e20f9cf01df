/**
 * What a merge policy costs and gains, without a table: batches are appended one by one, and merges done as the policy says until
 * nothing is due. Prints the average and the largest number of segments, and the write amplification: rows written to segments
 * by rows appended, the first write of each batch counted. Batches of one size, of a size that grows a hundredfold, and small
 * ones with a burst now and then; the random numbers are seeded.
 *
 * Then the same in an object store, in requests: those of a lookup, those of merging per batch of one fragment, and the lookups per
 * batch from which a setting costs less than the defaults of a disk.
 *
 *   npm run bench:simulate-merging -- [--batches 10000] [--json]
 */
import { parseArgs } from 'node:util';
import { formatTable } from '../../src/commands/terminal/output.ts';
import type { MergeSettings } from '../../src/merge/policy/tiered.ts';
import { DEFAULT_MERGE, DEFAULT_MERGE_REMOTE } from '../../src/merge/policy/tiered.ts';
import { seeded } from '../../testing/seeded.ts';
import type { Sizes } from './merge-model.ts';
import { simulate } from './merge-model.ts';
import { paysFrom, requestsOf } from './merge-requests.ts';

const FACTORS = [2, 4, 5, 6, 7, 8, 10, 12];
const BOUNDS = [12, 16, 20, 24, 32, 1000];
/** For object stores. */
const REMOTE_FACTORS = [2, 3, 4, 5, 7];
const REMOTE_BOUNDS = [6, 8, 10, 12, 20];
const FLOORS = [1, 1000, 2000, 5000, 10_000, 20_000, 50_000];
const BATCHES = [10, 100, 1000, 10_000, 100_000];
const LARGEST = [20_000_000, 50_000_000, 100_000_000, 200_000_000, 500_000_000, Number.MAX_SAFE_INTEGER];
/** Of 10,000 such batches the table has a billion rows. */
const LARGE_BATCH_ROWS = 100_000;

const { values: options } = parseArgs({
  options: { batches: { type: 'string', default: '10000' }, json: { type: 'boolean', default: false } },
});

const constant: Sizes = () => () => 1000;

const SHAPES = {
  constant,
  growing: (batches) => (at) => Math.round(1000 * 100 ** (at / batches)),
  bursty: () => {
    const random = seeded(7);
    return () => (random() < 0.02 ? 50_000 + 150_000 * random() : 200 + 1600 * random()) | 0;
  },
} as const satisfies Record<string, Sizes>;
type Shape = keyof typeof SHAPES;
const SHAPE_NAMES = Object.keys(SHAPES) as Shape[];

type Figures = ReturnType<typeof figuresOf>;
/** Without the segments themselves. */
function figuresOf(...[count, sizes, settings]: Parameters<typeof simulate>) {
  const { segments: _, ...figures } = simulate(count, sizes, settings);
  return figures;
}

const batches = Number(options.batches);
const overShapes = (settings: MergeSettings) =>
  SHAPE_NAMES.map((shape) => ({ shape, ...figuresOf(batches, SHAPES[shape], settings) }));

const grid = FACTORS.flatMap((factor) =>
  BOUNDS.map((maxSegments) => {
    const settings = { ...DEFAULT_MERGE, factor, maxSegments };
    return { factor, max_segments: maxSegments, shapes: overShapes(settings) };
  }),
);
const floors = FLOORS.map((floorRows) => ({
  floor_rows: floorRows,
  shapes: overShapes({ ...DEFAULT_MERGE, floorRows }),
}));
const lengths = BATCHES.flatMap((count) =>
  SHAPE_NAMES.map((shape) => ({ batches: count, shape, ...figuresOf(count, SHAPES[shape], DEFAULT_MERGE) })),
);
const large = LARGEST.map((maxSegmentRows) => ({
  max_segment_rows: maxSegmentRows,
  ...figuresOf(10_000, () => () => LARGE_BATCH_ROWS, { ...DEFAULT_MERGE, maxSegmentRows }),
}));
const remote = SHAPE_NAMES.flatMap((shape) => {
  const run = (settings: MergeSettings) => {
    const { segments: _, ...figures } = simulate(batches, SHAPES[shape], settings);
    return { ...figures, requests: requestsOf(figures, batches) };
  };
  const onDisk = run(DEFAULT_MERGE);
  return REMOTE_FACTORS.flatMap((factor) =>
    REMOTE_BOUNDS.map((maxSegments) => {
      const figures = run({ ...DEFAULT_MERGE_REMOTE, factor, maxSegments });
      const pays_from = paysFrom(figures.requests, onDisk.requests);
      return { shape, factor, max_segments: maxSegments, ...figures, pays_from };
    }),
  );
});
const remoteLengths = BATCHES.flatMap((count) =>
  SHAPE_NAMES.map((shape) => ({ batches: count, shape, ...figuresOf(count, SHAPES[shape], DEFAULT_MERGE_REMOTE) })),
);

if (options.json) {
  const defaults = { disk: DEFAULT_MERGE, object_store: DEFAULT_MERGE_REMOTE };
  const figures = { grid, floors, lengths, large, remote, remote_lengths: remoteLengths };
  process.stdout.write(`${JSON.stringify({ defaults, batches, ...figures })}\n`);
} else {
  const fixed = (value: number, digits: number) => value.toFixed(digits);
  const figures = ({ average, most, amplification, peak }: Figures) => [
    fixed(average, 1),
    most,
    fixed(amplification, 2),
    fixed(peak, 2),
  ];
  const short = ({ average, most, amplification }: Figures) =>
    `${fixed(average, 1)} / ${most} / ${fixed(amplification, 2)}`;
  const print = (title: string, header: readonly string[], lines: readonly (readonly (string | number)[])[]) =>
    process.stdout.write(`${title}\n\n${formatTable(header, lines)}\n\n`);
  const many = batches.toLocaleString('en-US');
  print(
    `${many} batches: segments on average / at most / write amplification`,
    ['factor', 'bound', ...SHAPE_NAMES],
    grid.map((it) => [it.factor, it.max_segments, ...it.shapes.map(short)]),
  );
  print(
    `The same by floor`,
    ['floor rows', ...SHAPE_NAMES],
    floors.map((it) => [it.floor_rows, ...it.shapes.map(short)]),
  );
  const header = ['average', 'most', 'amplification', 'peak'];
  print(
    'The defaults by number of batches',
    ['batches', 'sizes', ...header],
    lengths.map((it) => [it.batches, it.shape, ...figures(it)]),
  );
  print(
    `A billion rows in batches of ${LARGE_BATCH_ROWS.toLocaleString('en-US')}, by what is mature`,
    ['max segment rows', ...header],
    large.map((it) => [it.max_segment_rows, ...figures(it)]),
  );
  for (const shape of SHAPE_NAMES) {
    print(
      `In an object store, ${shape} batches: requests of a lookup on average, and of merging per batch`,
      [
        'factor',
        'bound',
        'segments / most / amplification',
        'per lookup',
        'GETs',
        'PUTs',
        'pays from lookups per batch',
      ],
      remote
        .filter((it) => it.shape === shape)
        .map(({ factor, max_segments, requests: { perLookup, gets, puts }, pays_from, ...it }) => [
          ...[factor, max_segments, short(it), fixed(perLookup, 1), fixed(gets, 1), fixed(puts, 2)],
          pays_from === null ? '-' : fixed(pays_from, 1),
        ]),
    );
  }
  print(
    'The defaults of an object store by number of batches',
    ['batches', 'sizes', ...header],
    remoteLengths.map((it) => [it.batches, it.shape, ...figures(it)]),
  );
}
