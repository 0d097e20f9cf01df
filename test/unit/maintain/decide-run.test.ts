import { describe, expect, test } from 'vitest';
import type { MaintainFacts } from '../../../src/maintain/decide-run.ts';
import { decideRun, isOff } from '../../../src/maintain/decide-run.ts';
import type { MaintainSettings } from '../../../src/maintain/maintain-settings.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const NOW_MS = 1_000 * DAY_MS;

const OFF: MaintainSettings = {
  ...{ everyMs: null, smallFragments: null, deletedFraction: null },
  ...{ keepVersionsMs: 7 * DAY_MS, maxMemoryBytes: 2 ** 31 },
};
const FACTS: MaintainFacts = {
  ...{ nowMs: NOW_MS, version: 90, isCovered: true, oldestVersionMs: NOW_MS - DAY_MS, last: null },
  ...{ smallFragments: 5, rows: 900, deletedRows: 100, missingFragments: 0, isAsked: false },
};
const decide = (settings: Partial<MaintainSettings>, facts: Partial<MaintainFacts> = {}) =>
  decideRun({ ...FACTS, ...facts }, { ...OFF, ...settings });
const ago = (ms: number, more = {}) => ({ last: { atMs: NOW_MS - ms, version: 90, compacted: true, ...more } });

test('nothing is due where nothing is configured', () => {
  expect([isOff(OFF), decide({})]).toEqual([true, null]);
  for (const on of [{ everyMs: 1 }, { smallFragments: 2 }, { deletedFraction: 0.1 }]) {
    expect(isOff({ ...OFF, ...on })).toBe(false);
  }
});

describe('a table that needs it', () => {
  test.each([
    [{ smallFragments: 5 }, 'small_fragments'],
    [{ smallFragments: 6 }, null],
    [{ deletedFraction: 0.1 }, 'deleted_rows'],
    [{ deletedFraction: 0.11 }, null],
  ])('%j: %s', (settings, reason) => {
    expect(decide(settings)).toBe(reason);
  });

  test('without a row deleted is not due for deleted ones', () => {
    expect(decide({ deletedFraction: 0.1 }, { rows: 0, deletedRows: 0 })).toBeNull();
  });

  test('waits ten minutes after a run, and six hours after one that could compact nothing', () => {
    const settings = { smallFragments: 2 };
    expect(decide(settings, ago(10 * MINUTE_MS - 1))).toBeNull();
    expect(decide(settings, ago(10 * MINUTE_MS))).toBe('small_fragments');
    expect(decide(settings, ago(6 * HOUR_MS - 1, { compacted: false }))).toBeNull();
    expect(decide(settings, ago(6 * HOUR_MS, { compacted: false }))).toBe('small_fragments');
  });

  test('waits until its indexes cover it', () => {
    expect(decide({ smallFragments: 2, everyMs: 1 }, { isCovered: false, oldestVersionMs: 0 })).toBeNull();
  });
});

test('a run that is asked for waits for nothing but the coverage', () => {
  expect(decide({}, { isAsked: true, ...ago(1) })).toBe('asked');
  expect(decide({ smallFragments: 2 }, { isAsked: true, isCovered: false, missingFragments: 1 })).toBeNull();
  // Without an index nothing is missing.
  expect(decide({}, { isAsked: true, isCovered: false })).toBe('asked');
});

describe('by schedule', () => {
  const settings = { everyMs: DAY_MS };

  test('a process that has just started takes the oldest version for the last cleanup', () => {
    expect(decide(settings, { oldestVersionMs: NOW_MS - 8 * DAY_MS + 1 })).toBeNull();
    expect(decide(settings, { oldestVersionMs: NOW_MS - 8 * DAY_MS })).toBe('schedule');
  });

  test('a run is due so long after the last one, if anything was written since', () => {
    expect(decide(settings, ago(DAY_MS - 1, { version: 80 }))).toBeNull();
    expect(decide(settings, ago(DAY_MS, { version: 80 }))).toBe('schedule');
    expect(decide(settings, ago(DAY_MS))).toBeNull();
  });

  test('or if versions have become old enough to go', () => {
    const oldestVersionMs = NOW_MS - 7 * DAY_MS - 1;
    expect(decide(settings, { ...ago(DAY_MS), oldestVersionMs })).toBe('schedule');
  });
});
