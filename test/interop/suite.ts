/**
 * pylance as an independent reader and writer: everything segmentd writes has to be right for it. The suite runs once per
 * version of pylance, each in a file of its own so that versions run side by side.
 */
import { describe, expect, test } from 'vitest';
import { LONG } from '../../testing/long.ts';
import type { PylanceVersion } from '../../testing/pylance.ts';
import { PYLANCE_VERSIONS } from '../../testing/pylance.ts';
import { checksThemselves } from './checks-themselves.ts';
import { concurrentChanges, rewrittenColumns } from './disturbances.ts';
import { lifeOfATable } from './life-of-a-table.ts';
import { lanceItself, refusals } from './limits.ts';
import { mergedSegments } from './merged-segments.ts';
import { tablesOfPylance } from './pylance-table.ts';
import { rebuiltWhole } from './stable-row-ids.ts';
import type { Shape } from './table-under-test.ts';
import type { NewTable } from './tables.ts';
import { STABLE } from './tables.ts';

/** Every pair of maker, format and naming once: all twelve together would show little more in twice the time. */
const SHAPES: readonly Shape[] = [
  { maker: 'pylance', dataFormat: '2.0', v2Names: false },
  { maker: 'pylance', dataFormat: '2.1', v2Names: true },
  { maker: 'pylance', dataFormat: '2.2', v2Names: false },
  { maker: 'LanceDB', dataFormat: '2.0', v2Names: true },
  { maker: 'LanceDB', dataFormat: '2.1', v2Names: false },
  { maker: 'LanceDB', dataFormat: '2.2', v2Names: true },
];

/** Tables with stable row ids of a Lance that records row addresses. */
const STABLE_SHAPES: readonly Shape[] = (['2.0', '2.1', '2.2'] as const).map((dataFormat) => ({
  ...STABLE,
  dataFormat,
}));

/** Of a short run: the newest format. */
const SHORT_SHAPES = SHAPES.slice(2, 3);

/** Of the version in the middle: both makers, both namings and each format once. The oldest and the newest have them all. */
const MIDDLE_SHAPES = [SHAPES[0], SHAPES[4], SHAPES[5]] as readonly Shape[];

/** What is done with a plain table, done where segments record row addresses. */
function stableRowIds(newTable: NewTable): void {
  describe('while segmentd builds', () => concurrentChanges(newTable, STABLE));
  describe('a table that segmentd merges', () => mergedSegments(newTable, STABLE));
  describe('a column that was rewritten in place', () => rewrittenColumns(newTable, STABLE));
}

export function interopSuite(version: PylanceVersion): void {
  const newTable = tablesOfPylance(version);

  test(`runs on pylance ${version}`, async () => {
    const table = await newTable();
    expect((await table?.engineVersion()) ?? version).toBe(version);
  });

  // What a short run has checked with the newest is not done again.
  const isRest = LONG && version === PYLANCE_VERSIONS.newest;
  const isNewest = version === PYLANCE_VERSIONS.newest;
  const isMiddle = version === PYLANCE_VERSIONS.middle;
  const all = isNewest ? [...SHAPES, ...STABLE_SHAPES] : isMiddle ? MIDDLE_SHAPES : SHAPES;
  const shapes = LONG ? all.filter((shape) => !isRest || !SHORT_SHAPES.includes(shape)) : SHORT_SHAPES;
  const title = 'a table made by $maker with data files $dataFormat, V2 names $v2Names, stable row ids $stableRowIds';
  describe.each(shapes)(title, (shape) => {
    lifeOfATable(shape, newTable, version !== PYLANCE_VERSIONS.oldest);
  });
  if (isNewest && LONG) describe('with stable row ids', () => stableRowIds(newTable));
  if (isRest) return;
  describe('while segmentd builds', () => concurrentChanges(newTable));
  describe('a table that segmentd merges', () => mergedSegments(newTable));
  describe('a column that was rewritten in place', () => rewrittenColumns(newTable));
  describe('stable row ids in an index', () => rebuiltWhole(newTable));
  describe('Lance itself', () => lanceItself(version, newTable));
  describe('a table that segmentd must not write', () => refusals(newTable));
  describe('these checks', () => checksThemselves(newTable));
}
