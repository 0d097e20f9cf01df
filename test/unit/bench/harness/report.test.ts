import { expect, test } from 'vitest';
import { formatNumber, tableText } from '../../../../bench/harness/report.ts';
import type { FigureTable } from '../../../../bench/harness/scenario.ts';
import { summarize } from '../../../../bench/harness/statistics.ts';

const figure = (rows: number, way: string, ms: readonly number[], ratios: readonly number[], segments: number) => ({
  at: { rows, kind: 'btree' },
  way,
  metrics: { ms: summarize(ms), segments: summarize([segments]) },
  ratios: ratios.length === 0 ? {} : { ms: summarize(ratios) },
});

const TABLE: FigureTable = {
  name: 'times',
  title: 'Times',
  baseline: 'ours',
  units: { ms: 'ms', segments: 'segments' },
  facts: ['segments'],
  figures: [
    figure(1000, 'ours', [1, 2, 3, 4], [], 1),
    figure(1000, 'theirs', [123.4], [61.7], 20),
    figure(2000, 'ours', [0.01], [], 1),
  ],
};

test('a line for each way of each case, with medians, quartiles and ratios', () => {
  expect(tableText(TABLE)).toBe(
    [
      ' rows  kind   way     ms      quartiles     to ours  segments',
      '1,000  btree  ours    2.00    1.00 to 3.00  1               1',
      '1,000  btree  theirs  123     -             61.7           20',
      '2,000  btree  ours    0.0100  -             1               1',
    ].join('\n'),
  );
});

test('a selection has its lines alone, and no column without anything to say', () => {
  expect(tableText(TABLE, { at: { rows: '2000' } })).toBe(
    [' rows  kind   way   ms      segments', '2,000  btree  ours  0.0100         1'].join('\n'),
  );
  expect(tableText(TABLE, { ways: ['theirs'] }).split('\n')).toHaveLength(2);
});

test('the brief form leaves out what the selection says already, and the spread of the figures', () => {
  expect(tableText(TABLE, { at: { rows: '1000', kind: 'btree' }, brief: true })).toBe(
    ['way     ms    to ours  segments', 'ours    2.00  1               1', 'theirs  123   61.7           20'].join(
      '\n',
    ),
  );
});

test('a selection of nothing is a mistake', () => {
  expect(() => tableText(TABLE, { at: { rows: '3' } })).toThrow('no line of {"at":{"rows":"3"}}');
});

test('numbers have three digits, or are whole', () => {
  expect([0, 0.01234, 0.5, 1.234, 12.34, 123.4, 1234567].map(formatNumber)).toEqual([
    ...['0.00', '0.0123', '0.50', '1.23', '12.3', '123', '1,234,567'],
  ]);
});
