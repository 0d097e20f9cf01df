import { expect, test } from 'vitest';
import { TableHistory } from '../../../src/control/table-history.ts';

const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 1, 12);
const at = (minute: number) => START + minute * MINUTE;
const iso = (minute: number) => new Date(at(minute)).toISOString();
const sample = (lag_seconds: number, segments = 1, coverage: number | null = 1) => ({
  lag_seconds,
  segments,
  coverage,
});

test('a minute has one point, with the worst of it; what the minute left is the next point', () => {
  const history = new TableHistory();
  history.note('lake/t', sample(0), at(0));
  history.note('lake/t', sample(3, 2, 0.5), at(2));
  history.note('lake/t', sample(9, 3, 0.9), at(2) + 1_000);
  history.note('lake/t', sample(0, 2, 1), at(2) + 2_000);
  expect(history.of('lake/t', sample(0, 2, 1), at(10))).toEqual([
    { at: iso(0), lag_seconds: 0, segments: 1, coverage: 1 },
    { at: iso(2), lag_seconds: 9, segments: 3, coverage: 0.5 },
    { at: iso(3), lag_seconds: 0, segments: 2, coverage: 1 },
    { at: iso(10), lag_seconds: 0, segments: 2, coverage: 1 },
  ]);
});

test('nothing is added while nothing changes, and a table without an index has no coverage', () => {
  const history = new TableHistory();
  for (let minute = 0; minute < 30; minute++) history.note('lake/t', sample(0, 0, null), at(minute));
  expect(history.of('lake/t', sample(0, 0, null), at(30)).map((point) => point.at)).toEqual([iso(0), iso(30)]);
  history.note('lake/t', sample(0, 1, 0.5), at(31));
  history.note('lake/t', sample(0, 0, null), at(31) + 1);
  expect(history.of('lake/t', sample(0, 0, null), at(31)).map(({ coverage }) => coverage)).toEqual([null, 0.5, null]);
});

test('six hours are kept, and begin with what held then', () => {
  const history = new TableHistory();
  history.note('lake/t', sample(0, 7), at(0));
  history.note('lake/t', sample(0, 8), at(500));
  expect(history.of('lake/t', sample(0, 8), at(501)).map(({ at, segments }) => [at, segments])).toEqual([
    [iso(141), 7],
    [iso(500), 8],
    [iso(501), 8],
  ]);
  for (let minute = 1_000; minute < 2_000; minute++) history.note('lake/t', sample(0, minute), at(minute));
  const points = history.of('lake/t', sample(0, 1_999), at(1_999));
  expect([points.length, points[0]?.at, points.at(-1)?.at]).toEqual([361, iso(1_640), iso(1_999)]);
});

test('a forgotten table has no history, and the oldest tables make room for those that change', () => {
  const history = new TableHistory();
  history.note('lake/t', sample(1), at(0));
  history.forget('lake/t');
  expect(history.of('lake/t', sample(1), at(1))).toEqual([]);
  history.note('lake/idle', sample(1), at(0));
  for (let table = 0; table < 1_500; table++) {
    for (let minute = 0; minute < 360; minute++) history.note(`lake/t${table}`, sample(minute), at(minute));
  }
  const length = (table: string) => history.of(table, sample(0), at(360)).length;
  expect([length('lake/idle'), length('lake/t0'), length('lake/t1499')]).toEqual([0, 0, 361]);
});
