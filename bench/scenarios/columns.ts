/** What columns without an index cost: an append to a table that has so many, beside pylance. */
import { scenario } from '../harness/scenario.ts';
import { compareFreshness, PYLANCE_DELTA, PYLANCE_SEGMENTS, SEGMENTD } from '../support/freshness-ways.ts';
import { numberColumns, numberRows } from '../support/growing-table.ts';

export const columns = scenario({
  name: 'columns',
  what: 'milliseconds from an append to an index that covers it, by the number of columns',
  sizes: {
    columns: [2, 100, 1_000],
    rows: 20_000,
    appended: [1_000],
    ...{ appendsBefore: 150, warmUp: 3, rounds: 15 },
  },
  quick: { rows: 5_000, warmUp: 1, rounds: 5, appendsBefore: 30 },
  tables: {
    columns: {
      title: 'Rows appended to a table of so many integer columns, until the BTREE index on one of them covers them.',
      baseline: SEGMENTD,
      units: { ms: 'ms' },
    },
  },
  async run(bench, { columns: counts, rows, ...sizes }) {
    for (const count of counts) {
      bench.step(`columns: ${count}`);
      const size = { rows, rowsOf: numberRows(count), indexed: numberColumns(1) };
      const ways = [SEGMENTD, PYLANCE_SEGMENTS, PYLANCE_DELTA];
      await compareFreshness(bench, { table: 'columns', at: { columns: count }, size, ways, slowRounds: 0, ...sizes });
    }
  },
});
