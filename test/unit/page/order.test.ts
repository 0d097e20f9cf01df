import { describe, expect, test } from 'vitest';
import type { TableStatus } from '../../../src/control/table-states.ts';
import { FILTERS, inOrder, matching, tilesOf } from '../../../src/page/order.js';
import { duration } from '../../../src/page/words.js';
import { madeUpStatus } from '../../../testing/made-up-status.ts';

const NOW = Date.parse('2026-01-02T03:04:05Z');
const status = madeUpStatus(30, NOW);
const names = (tables: readonly TableStatus[]) => tables.map(({ table }) => table);
const all = { filter: null, words: '' };

test('problems come first, the worst on top, then names with their numbers in order', () => {
  const shown = names(inOrder([...status.tables].reverse()));
  expect(shown.slice(0, 4)).toEqual(['lake/orders_by_region', 'lake/broken', 'lake/users_import', 'lake/documents_en']);
  const clicks = shown.filter((name) => /clicks_\d/.test(name));
  expect(clicks).toEqual(['lake/clicks_8', 'lake/clicks_16', 'lake/clicks_24']);
});

describe('filters', () => {
  test.each(Object.keys(FILTERS))('%s passes as many tables as its tile counts', (filter) => {
    const { totals } = status;
    const counts: Record<string, number> = {
      ...{
        retrying: totals.retrying,
        declined: totals.declined,
        paused: totals.paused,
        'left alone': totals.left_alone,
      },
      ...{ uncovered: totals.indexed - totals.covered, lagging: 2 },
    };
    expect(matching(status.tables, { ...all, filter })).toHaveLength(counts[filter] ?? -1);
  });

  test('words are looked for in name, state and codes, all of them, whatever their case', () => {
    const found = (words: string) => names(matching(status.tables, { ...all, words }));
    expect(found('UNREADABLE  lake')).toEqual(['lake/broken']);
    expect(found('paused')).toEqual(['lake/users_import']);
    expect(found('paused broken')).toEqual([]);
    expect(found(' ')).toHaveLength(30);
  });

  test('a declined table that the configuration accepts is no trouble', () => {
    const [declined] = matching(status.tables, { ...all, filter: 'declined' });
    if (!declined?.declined) throw new Error('no table is declined');
    const accepted = { ...declined, table: 'lake/z', declined: { ...declined.declined, accepted: true } };
    const tables = [...status.tables, accepted];
    expect(names(matching(tables, { ...all, filter: 'declined' }))).toEqual([declined.table]);
    expect(inOrder(tables).at(-1)?.table).toBe('lake/z');
  });

  test('a filter that does not exist passes everything', () => {
    expect(matching(status.tables, { ...all, filter: 'no such' })).toHaveLength(30);
  });
});

describe('tiles', () => {
  test('filter when they count something', () => {
    const tiles = tilesOf(status, duration);
    expect(tiles.map(({ name, value, filter, href }) => [name, value, filter ?? href])).toEqual([
      ['state', 'running', null],
      ['worst lag', '8 min 48 s', 'lagging'],
      ['indexed tables covered', '26 / 28', 'uncovered'],
      ['retrying', '1', 'retrying'],
      ['declined', '1', 'declined'],
      ['paused', '1', 'paused'],
      ['left alone', '1', 'left alone'],
      ['dead letters, 24 h', '3', '#dead-letters'],
    ]);
    expect(tiles.flatMap(({ filter }) => filter ?? []).filter((filter) => !(filter in FILTERS))).toEqual([]);
  });

  test('are quiet when all is well', () => {
    const zero = { retrying: 0, declined: 0, paused: 0, left_alone: 0, dead_letters_24h: 0, worst_lag: null };
    const totals = { ...status.totals, ...zero, covered: 28 };
    const tiles = tilesOf({ ...status, totals, group_view: null }, duration);
    expect(tiles.filter(({ filter, href, tone }) => filter ?? href ?? (tone === 'bad' || tone === 'warn'))).toEqual([]);
  });

  test('say that the member does not run, and that partitions have no member', () => {
    const view = { members: [], unowned_partitions: [3, 4], at: status.at };
    const tiles = tilesOf({ ...status, state: 'joining', reason: 'no broker', group_view: view }, duration);
    expect(tiles[0]).toMatchObject({ value: 'joining', note: 'no broker', tone: 'bad' });
    expect(tiles.at(-1)).toMatchObject({ name: 'unowned partitions', value: '2', tone: 'bad' });
  });
});
