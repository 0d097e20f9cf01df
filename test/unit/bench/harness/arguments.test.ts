import { expect, test } from 'vitest';
import { parseArguments, UsageError, withSizes } from '../../../../bench/harness/arguments.ts';
import type { Scenario } from '../../../../bench/harness/scenario.ts';
import { setSizes } from '../../../../bench/harness/scenario.ts';

const NAMES = ['freshness', 'start'];
const parse = (...args: string[]) => parseArguments(args, NAMES);

test('a scenario with its options', () => {
  expect(parse('start')).toEqual({ name: 'start', quick: false, json: false, save: false, help: false, set: [] });
  expect(parse('freshness', '--quick', '--json', '--set', 'rows=1', '--set', 'rounds=2')).toEqual({
    ...{ name: 'freshness', quick: true, json: true, save: false, help: false },
    set: ['rows=1', 'rounds=2'],
  });
  expect(parse('all', '--save').name).toBe('all');
  expect([parse('-h').help, parse('start', '--help').help]).toEqual([true, true]);
});

test.each([
  [[], 'A scenario is missing: freshness, start, all'],
  [['fresh'], 'There is no scenario fresh: freshness, start, all'],
  [['start', 'freshness'], 'One scenario at a time'],
  [['all', '--set', 'rows=1'], '--set is for a single scenario'],
  [['start', '--fast'], "Unknown option '--fast'"],
])('%j is refused with what is right', (args, says) => {
  expect(() => parse(...args)).toThrow(UsageError);
  expect(() => parse(...args)).toThrow(says);
});

const SIZES = { rows: [1, 2], indexed: ['id'], rounds: 5, unlimited: false, order: 'ascending' };

test('sizes are replaced by values of their kind; nothing else changes', () => {
  expect(withSizes(SIZES, [])).toEqual(SIZES);
  const set = ['rows=1_000,20', 'indexed=id,name', 'rounds=9', 'unlimited=true', 'order=scattered'];
  const all = { rows: [1000, 20], indexed: ['id', 'name'], rounds: 9, unlimited: true, order: 'scattered' };
  expect(withSizes(SIZES, set)).toEqual(all);
  expect(withSizes(SIZES, ['rows='])).toEqual({ ...SIZES, rows: [] });
  expect(withSizes({ warmUp: 3, delays: [20] }, ['warmUp=0', 'delays=0,5'])).toEqual({ warmUp: 0, delays: [0, 5] });
  expect(withSizes({ factors: [] }, ['factors=2,3'])).toEqual({ factors: [2, 3] });
});

test.each([
  ['size=1', 'the sizes here are rows, indexed, rounds, unlimited, order'],
  ['rounds', 'given as name=value'],
  ['rounds=many', 'many is not a whole number'],
  ['rounds=', 'is not a whole number'],
  ['rows=-5', '-5 is not a whole number from 1 to 10,000,000,000'],
  ['rows=1.5', '1.5 is not a whole number'],
  ['rows=1,0', '0 is not a whole number'],
  ['rounds=0', '0 is not a whole number'],
  ['rows=9007199254740991', '9007199254740991 is not a whole number'],
  ['indexed=', 'does not look like'],
  ['indexed=id,ids', 'ids does not look like ^(id|name)$'],
  ['rows=1,x', 'x is not a whole number'],
  ['unlimited=yes', 'true or false'],
])('--set %s is refused', (set, says) => {
  const texts = { indexed: /^(id|name)$/ };
  expect(() => withSizes(SIZES, [set], texts)).toThrow(UsageError);
  expect(() => withSizes(SIZES, [set], texts)).toThrow(says);
});

test('what was chosen is told as it was given', () => {
  const sizes = { rows: [1, 2], rounds: 9 };
  const it = { ...({} as Scenario), sizes, quick: { rounds: 3 } };
  const chosen = withSizes({ rows: [1, 2], rounds: 3 }, ['rows=5,6']);
  expect(setSizes(it, true, chosen)).toEqual(['rows=5,6']);
  expect(setSizes(it, false, chosen)).toEqual(['rows=5,6', 'rounds=3']);
  expect(setSizes(it, false, sizes)).toEqual([]);
});
