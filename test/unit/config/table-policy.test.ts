import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { acceptsDecline, tablePolicy } from '../../../src/config/table-policy.ts';

const load = (tables: string) =>
  loadConfig({ env: { SEGMENTD_DATABASES: '{lake: /lake}', SEGMENTD_TABLES: tables }, cwd: '/' });

test('an index has the parameters of its kind beside it', () => {
  const config = load(
    '{lake/t: {indexes: [{column: id}, {column: body, kind: fts, language: French, stem: false}, {column: v, name: mine, kind: ivf_pq, num_sub_vectors: 8}]}}',
  );
  expect(tablePolicy(config, 'lake/t')).toMatchObject({
    wanted: [
      { column: 'id', parameters: {} },
      { column: 'body', kind: 'fts', parameters: { language: 'French', stem: false } },
      { column: 'v', name: 'mine', kind: 'ivf_pq', parameters: { num_sub_vectors: 8 } },
    ],
    stableRowIds: 'decline',
    minRows: 10_000,
  });
});

test('a table that is not named keeps what it has', () => {
  expect(tablePolicy(load('{}'), 'lake/t')).toEqual({ wanted: 'existing', stableRowIds: 'decline', minRows: 10_000 });
});

test.each([
  ['{column: id, kind: zonemap}', 'kind'],
  ['{column: id, kind: bitmap, language: French}', 'language'],
  ['{column: id, language: French}', 'language'],
  ['{column: body, kind: fts, language: english}', 'language'],
  ['{column: body, kind: fts, max_token_length: 0}', 'max_token_length'],
  ['{column: v, kind: ivf_flat, num_bits: 8}', 'num_bits'],
  ['{column: v, kind: ivf_pq, metric: hamming}', 'metric'],
  ['{column: v, kind: ivf_hnsw_sq, m: 2}', 'tables.lake/t.indexes.0.m'],
  [
    '{column: v, kind: ivf_hnsw_sq, m: 40, ef_construction: 39}',
    'tables.lake/t.indexes.0.m: 40 is more than ef_construction, 39',
  ],
  ['{column: v, kind: ivf_hnsw_pq, ef_construction: 19}', 'ef_construction: 19 is less than m, 20 unless given'],
  [
    '{column: b, kind: fts, base_tokenizer: ngram, min_ngram_length: 4}',
    'min_ngram_length: 4 is more than max_ngram_length, 3 unless given',
  ],
  ['{column: id, name: __lance_x, kind: bitmap}', '__lance_'],
])('%s is refused, and what is wrong is named', (index, what) => {
  expect(() => load(`{lake/t: {indexes: [${index}]}}`)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  expect(() => load(`{lake/t: {indexes: [${index}]}}`)).toThrow(what);
});

test('declining is accepted for the tables that say so', () => {
  const config = load('{lake/t: {decline: accept}, lake/u: {decline: alert}, lake/v: {}}');
  const accepted = ['lake/t', 'lake/u', 'lake/v', 'lake/other'].filter((id) => acceptsDecline(config, id));
  expect(accepted).toEqual(['lake/t']);
  expect(() => load('{lake/t: {decline: never}}')).toThrow('decline');
});
