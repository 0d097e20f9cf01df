import { expect, test } from 'vitest';
import type { LinePlot } from '../../../scripts/plot.ts';
import { barPlot, linePlot, scaleOf, tickText } from '../../../scripts/plot.ts';

test('a logarithmic axis has equal room for equal factors', () => {
  const { place, ticks } = scaleOf([1_000_000, 20_000_000], { label: 'rows', log: true }, 0, 100);
  expect(ticks).toEqual([1e6, 2e6, 5e6, 1e7, 2e7]);
  expect([1e6, 2e7].map(place)).toEqual([0, 100]);
  expect(place(2e6) - place(1e6)).toBeCloseTo(place(2e7) - place(1e7));
});

test('over more than two powers of ten only they are named', () => {
  expect(scaleOf([3, 40_000], { label: 'ms', log: true }, 0, 1).ticks).toEqual([1, 10, 100, 1000, 10_000, 100_000]);
});

test('a single value has room on both sides', () => {
  const { place, ticks } = scaleOf([10], { label: 'ms', log: true }, 0, 100);
  expect(ticks).toEqual([5, 10, 20]);
  expect(place(10)).toBeCloseTo(50);
});

test('another axis begins at 0', () => {
  const { place, ticks } = scaleOf([90, 371], { label: 'tables/s' }, 0, 100);
  expect(ticks).toEqual([0, 100, 200, 300, 400]);
  expect([0, 400].map(place)).toEqual([0, 100]);
});

test('what has no place is refused', () => {
  expect(() => scaleOf([], { label: '' }, 0, 1)).toThrow('nothing to plot');
  expect(() => scaleOf([0, 1], { label: '', log: true }, 0, 1)).toThrow('no place on a logarithmic axis');
});

test('ticks are short', () => {
  expect([0.5, 100, 1000, 2_500_000, 2e7, 1e10].map(tickText)).toEqual(['0.5', '100', '1 k', '2.5 M', '20 M', '10 G']);
});

const PLOT: LinePlot = {
  title: 'Times & <sizes>',
  x: { label: 'rows', log: true },
  y: { label: 'ms' },
  series: [
    {
      name: 'ours',
      isOurs: true,
      points: [
        { x: 1, y: 2, low: 1, high: 3 },
        { x: 10, y: 2 },
      ],
    },
    {
      name: 'theirs',
      points: [
        { x: 1, y: 2 },
        { x: 10, y: 40 },
      ],
    },
  ],
};

test('a plot has a line for each series, a point and a whisker for each figure, and a legend from the top', () => {
  const svg = linePlot(PLOT);
  expect(svg.match(/<path /g)).toHaveLength(2);
  expect(svg.match(/<circle /g)).toHaveLength(4);
  expect(svg.match(/stroke-width="3.5"/g)).toHaveLength(2);
  expect(svg.indexOf('>theirs<')).toBeLessThan(svg.indexOf('>ours<'));
  expect(svg).toContain('<title>Times &#38; &#60;sizes&#62;</title>');
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});

test('the same figures give the same bytes', () => {
  expect(linePlot(structuredClone(PLOT))).toBe(linePlot(PLOT));
});

test('a bar is as long as its value', () => {
  const svg = barPlot('Speed', 'tables/s', [
    { name: 'ours', value: 200, low: 190, high: 210 },
    { name: 'theirs', value: 100 },
  ]);
  const widths = [...svg.matchAll(/<rect x="200" y="[\d.]+" width="([\d.]+)"/g)].map(([, width]) => Number(width));
  expect(widths).toHaveLength(2);
  expect((widths[0] as number) / (widths[1] as number)).toBeCloseTo(2);
  expect(svg).toContain('>200 tables/s<');
});
