import { expect, test } from 'vitest';
import { isMaintained, kindOf, kindOfFiles, sameParameters } from '../../../../src/lance/plan/index-kind.ts';
import { BTREE } from '../../../../src/lance/plan/kinds/btree.ts';
import { isParsed } from '../../../../src/lance/plan/kinds/kind.ts';

const details = new Uint8Array();

test.each([
  ['/lance.table.BTreeIndexDetails', [0], true],
  ['type.googleapis.com/lance.index.pb.BTreeIndexDetails', [0], true],
  ['BTreeIndexDetails', [0], true],
  ['/lance.table.NotABTreeIndexDetails', [0], false],
  ['/lance.table.BTreeIndexDetailsV2', [0], false],
  ['/lance.table.BTreeIndexDetails', [0, 1], false],
  ['/lance.table.BTreeIndexDetails', [], false],
  ['', [0], false],
])('%s over fields %j is a BTREE: %s', (typeUrl, fields, expected) => {
  expect(kindOf({ typeUrl, fields, details }) === BTREE).toBe(expected);
});

test.each([
  ['int64', true],
  ['uint8', true],
  ['halffloat', true],
  ['string', true],
  ['bool', true],
  ['timestamp:us:-', true],
  ['timestamp:us:Europe/Berlin', true],
  ['date32:day', true],
  ['time:us', true],
  ['time32:s', true],
  ['fixed_size_binary:16', true],
  ['fixed_size_list:float:128', false],
  ['decimal:128:10:2', false],
  ['large_string', false],
  ['binary', false],
  ['struct', false],
  ['list', false],
  ['dict:string:int32:false', false],
  ['duration:us', false],
  ['', false],
])('a BTREE over %s: %s', (logicalType, supported) => {
  expect(BTREE.problemOf({ id: 0, parentId: -1, name: 'x', logicalType }, [], {}) === null).toBe(supported);
});

test.each([
  [['page_data.lance', 'page_lookup.lance'], true],
  [['page_data.lance', 'page_lookup.lance', 'part_0_page_data.lance'], true],
  [['page_data.lance'], false],
  [['page_lookup.lance'], false],
  [['page_data.lance', 'page_lookup.lance', 'metadata.lance'], false],
  [['bitmap_page_lookup.lance', 'page_data.lance', 'page_lookup.lance'], false],
  [['index.idx'], false],
  [[], false],
])('an entry without details that has the files %j is a BTREE: %s', (names, expected) => {
  expect(kindOfFiles(names) === BTREE).toBe(expected);
});

test.each([
  ['/lance.table.BTreeIndexDetails', 'btree'],
  ['/lance.table.BitmapIndexDetails', 'bitmap'],
  ['/lance.table.LabelListIndexDetails', 'label_list'],
  ['/lance.index.pb.FMIndexDetails', 'fm'],
  ['/lance.table.InvertedIndexDetails', 'fts'],
  ['/lance.table.NGramIndexDetails', undefined],
  ['/lance.table.ZoneMapIndexDetails', undefined],
  ['/lance.index.pb.BloomFilterIndexDetails', undefined],
  ['/lance.index.pb.RTreeIndexDetails', undefined],
  ['', undefined],
])('%s is of kind %s', (typeUrl, name) => {
  expect(kindOf({ typeUrl, fields: [0], details })?.name).toBe(name);
  expect(isMaintained({ typeUrl, fields: [0], details })).toBe(name !== undefined);
});

test('parameters are the same when each name has the same value', () => {
  const of = { stem: true, custom_stop_words: ['a', 'b'] };
  expect(sameParameters(of, { custom_stop_words: ['a', 'b'], stem: true })).toBe(true);
  expect(sameParameters(of, { custom_stop_words: ['b', 'a'], stem: true })).toBe(false);
  expect(sameParameters(of, { stem: true })).toBe(false);
  expect(sameParameters({ stem: true }, { lower_case: true })).toBe(false);
});

test.each([
  ['timestamp:us:Europe/Berlin', true],
  ['timestamp:us:+05:30', false],
  ['timestamp:us:GMT-10:00', false],
])('the engine parses %s: %s', (logicalType, expected) => {
  expect(isParsed(logicalType)).toBe(expected);
});
