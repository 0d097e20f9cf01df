import { expect, test } from 'vitest';
import { KIND_NAMES, parameterProblem, parametersProblem } from '../../../src/lib/index-kinds.ts';

test.each([
  ['btree', {}],
  ['fts', { language: 'French', stem: false, custom_stop_words: ['le', 'la'], max_token_length: 40 }],
  ['fts', { base_tokenizer: 'code', block_size: 256 }],
  ['ivf_pq', { metric: 'cosine', num_partitions: 16, num_sub_vectors: 8, num_bits: 8 }],
  ['ivf_hnsw_sq', { m: 20, ef_construction: 300 }],
  ['ivf_hnsw_sq', { m: 4, ef_construction: 4 }],
  ['ivf_hnsw_pq', { ef_construction: 20 }],
  ['ivf_hnsw_pq', { m: 256 }],
  ['fts', { min_ngram_length: 4 }],
  ['fts', { base_tokenizer: 'ngram', min_ngram_length: 3 }],
  ['fts', { base_tokenizer: 'ngram', min_ngram_length: 5, max_ngram_length: 5 }],
] as const)('%s takes %j', (kind, parameters) => {
  expect(parametersProblem(kind, parameters)).toBeUndefined();
});

test.each([
  ['btree', { language: 'French' }, 'btree has no parameter language; it has none'],
  ['ivf_flat', { num_bits: 8 }, 'ivf_flat has no parameter num_bits; it has metric, num_partitions'],
  ['fts', { constructor: 1 }, 'fts has no parameter constructor'],
  ['fts', { language: 'english' }, 'language is one of Arabic'],
  ['fts', { language: 'Klingon' }, 'language is one of Arabic'],
  ['fts', { base_tokenizer: 'jieba/default' }, 'base_tokenizer is one of simple'],
  ['fts', { block_size: 200 }, 'block_size is a whole number from 128 to 256, and a multiple of 128'],
  ['fts', { stem: 'yes' }, 'stem is true or false'],
  ['fts', { custom_stop_words: 'le' }, 'custom_stop_words is a list of words'],
  ['fts', { custom_stop_words: [1] }, 'custom_stop_words is a list of words'],
  ['fts', { max_token_length: 0 }, 'max_token_length is a whole number from 1 to 4294967295'],
  ['ivf_pq', { num_sub_vectors: 1.5 }, 'num_sub_vectors is a whole number from 1 to 65536'],
  ['ivf_pq', { metric: 'hamming' }, 'metric is one of l2, cosine, dot'],
  ['ivf_pq', { num_bits: 6 }, 'num_bits is a whole number from 4 to 8, and a multiple of 4'],
  ['ivf_hnsw_sq', { m: 3 }, 'm is a whole number from 4'],
  ['ivf_hnsw_sq', { m: 30, ef_construction: 29 }, 'm 30 is more than ef_construction, 29'],
  ['ivf_hnsw_sq', { ef_construction: 19 }, 'ef_construction 19 is less than m, 20 unless given'],
  [
    'fts',
    { base_tokenizer: 'ngram', min_ngram_length: 4, max_ngram_length: 3 },
    'min_ngram_length 4 is more than max_ngram_length, 3',
  ],
  [
    'fts',
    { base_tokenizer: 'ngram', min_ngram_length: 4 },
    'min_ngram_length 4 is more than max_ngram_length, 3 unless given',
  ],
  [
    'fts',
    { base_tokenizer: 'ngram', max_ngram_length: 2 },
    'max_ngram_length 2 is less than min_ngram_length, 3 unless given',
  ],
] as const)('%s does not take %j', (kind, parameters, problem) => {
  expect(parametersProblem(kind, parameters)).toContain(problem);
});

test('each kind says of each parameter what it is', () => {
  expect(KIND_NAMES).toContain('btree');
  expect(parameterProblem({ type: 'flag', doc: '' }, false)).toBeUndefined();
});
