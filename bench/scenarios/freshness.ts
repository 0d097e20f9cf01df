/** What it takes until the indexes of a table cover an append, by the size of the table, for each way there is. */
import type { Samples } from '../harness/rounds.ts';
import { recorded } from '../harness/rounds.ts';
import { scenario } from '../harness/scenario.ts';
import { ALL_WAYS, compareFreshness, SEGMENTD } from '../support/freshness-ways.ts';
import { scatteredRows } from '../support/growing-table.ts';

const SMALLEST = 'smallest table';

export const freshness = scenario({
  name: 'freshness',
  what: 'milliseconds from an append to indexes that cover it, by the size of the table',
  sizes: {
    rows: [1_000_000, 5_000_000, 20_000_000],
    /** `+` between the columns that have an index: an integer and a string. */
    indexed: ['id', 'id+name'],
    appended: [1_000, 10_000, 100_000, 1_000_000],
    ...{ appendsBefore: 150, warmUp: 3, rounds: 15, slowRounds: 3 },
  },
  texts: { indexed: /^(id|name)(\+(id|name))*$/ },
  quick: {
    rows: [200_000, 1_000_000],
    appended: [10_000, 100_000],
    warmUp: 2,
    rounds: 5,
    slowRounds: 1,
    appendsBefore: 30,
  },
  tables: {
    freshness: {
      title: 'Rows appended to a table of so many, until each of its BTREE indexes covers them.',
      baseline: SEGMENTD,
      units: { ms: 'ms' },
    },
    size: {
      title: 'segmentd alone, by the size of the table: the rounds above, beside those on the smallest one.',
      baseline: SMALLEST,
      units: { ms: 'ms' },
    },
  },
  async run(bench, { rows, indexed, ...sizes }) {
    for (const columns of indexed) {
      const bySize = new Map<number, ReadonlyMap<number, Samples>>();
      for (const count of rows) {
        bench.step(`freshness: ${count.toLocaleString('en-US')} rows, indexes on ${columns}`);
        const size = { rows: count, rowsOf: scatteredRows, indexed: columns.split('+') };
        const at = { rows: count, indexed: columns };
        bySize.set(count, await compareFreshness(bench, { table: 'freshness', at, size, ways: ALL_WAYS, ...sizes }));
      }
      for (const appended of sizes.appended) {
        const ways = [...bySize].map(([count, samples], at) =>
          recorded(
            at === 0 ? SMALLEST : `${count.toLocaleString('en-US')} rows`,
            samples.get(appended)?.get(SEGMENTD) ?? [],
          ),
        );
        await bench.measure('size', { indexed: columns, appended }, { warmUp: 0, rounds: sizes.rounds, ways });
      }
    }
  },
});
