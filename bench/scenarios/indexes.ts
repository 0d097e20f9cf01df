/** What more indexes cost: an append to a table that has so many, beside pylance. */
import { scenario } from '../harness/scenario.ts';
import { compareFreshness, PYLANCE_DELTA, PYLANCE_SEGMENTS, SEGMENTD, UNSYNCED } from '../support/freshness-ways.ts';
import { numberColumns, numberRows } from '../support/growing-table.ts';

export const indexes = scenario({
  name: 'indexes',
  what: 'milliseconds from an append to indexes that cover it, by the number of indexes',
  sizes: {
    indexes: [1, 4, 16],
    rows: 1_000_000,
    appended: [10_000, 100_000],
    ...{ appendsBefore: 150, warmUp: 3, rounds: 15 },
  },
  quick: { rows: 200_000, appended: [100_000], warmUp: 1, rounds: 7, appendsBefore: 30 },
  tables: {
    indexes: {
      title:
        'Rows appended to a table with so many BTREE indexes over integers, until each covers them; and the steps, of which `engine` is the longest build of LanceDB alone.',
      baseline: SEGMENTD,
      units: { ms: 'ms', plan: 'ms', view: 'ms', engine: 'ms', publish: 'ms', commit: 'ms' },
      facts: ['plan', 'view', 'engine', 'publish', 'commit'],
    },
  },
  async run(bench, { indexes: counts, rows, ...sizes }) {
    for (const count of counts) {
      bench.step(`indexes: ${count}`);
      const size = { rows, rowsOf: numberRows(count), indexed: numberColumns(count) };
      const ways = [SEGMENTD, UNSYNCED, PYLANCE_SEGMENTS, PYLANCE_DELTA];
      await compareFreshness(bench, { table: 'indexes', at: { indexes: count }, size, ways, slowRounds: 0, ...sizes });
    }
  },
});
