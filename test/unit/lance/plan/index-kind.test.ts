import { expect, test } from 'vitest';
import { BTREE, isMaintained, supportsField } from '../../../../src/lance/plan/index-kind.ts';

test.each([
  ['/lance.table.BTreeIndexDetails', [0], true],
  ['type.googleapis.com/lance.index.pb.BTreeIndexDetails', [0], true],
  ['BTreeIndexDetails', [0], true],
  ['/lance.table.BitmapIndexDetails', [0], false],
  ['/lance.table.NotABTreeIndexDetails', [0], false],
  ['/lance.table.BTreeIndexDetailsV2', [0], false],
  ['/lance.table.BTreeIndexDetails', [0, 1], false],
  ['/lance.table.BTreeIndexDetails', [], false],
  ['', [0], false],
])('%s over fields %j is a BTREE: %s', (typeUrl, fields, expected) => {
  expect(isMaintained({ typeUrl, fields })).toBe(expected);
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
  expect(supportsField(BTREE, { id: 0, parentId: -1, name: 'x', logicalType })).toBe(supported);
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
  expect(BTREE.matchesFiles(names)).toBe(expected);
});
