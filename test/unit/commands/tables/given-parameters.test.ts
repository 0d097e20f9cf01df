import { expect, test } from 'vitest';
import { givenParameters } from '../../../../src/commands/tables/given-parameters.ts';

test('each text is read as what the parameter is', () => {
  const texts = ['language=French', 'stem=false', 'max_token_length=12', 'custom_stop_words=le,la'];
  expect(givenParameters('fts', texts)).toEqual({
    language: 'French',
    stem: false,
    max_token_length: 12,
    custom_stop_words: ['le', 'la'],
  });
  expect(givenParameters('fts', ['custom_stop_words='])).toEqual({ custom_stop_words: [] });
  expect(givenParameters('btree', [])).toEqual({});
});

test('parameters that do not fit one another are refused', () => {
  const given = () => givenParameters('fts', ['base_tokenizer=ngram', 'min_ngram_length=5']);
  expect(given).toThrow(expect.objectContaining({ code: 'usage' }));
  expect(given).toThrow('--set: min_ngram_length 5 is more than max_ngram_length, 3 unless given');
});

test('a parameter that is given twice is refused, whatever it says', () => {
  expect(() => givenParameters('fts', ['language=French', 'language=German'])).toThrow('language is given twice');
  expect(() => givenParameters('fts', ['stem=true', 'stem=true'])).toThrow(expect.objectContaining({ code: 'usage' }));
});

test.each([
  ['stem=yes', 'stem is true or false'],
  ['max_token_length=-1', 'max_token_length is a whole number'],
  ['constructor=1', 'fts has no parameter constructor'],
  ['stem', 'written <name>=<value>'],
  ['=x', 'written <name>=<value>'],
])('%s is refused', (text, why) => {
  expect(() => givenParameters('fts', [text])).toThrow(expect.objectContaining({ code: 'usage' }));
  expect(() => givenParameters('fts', [text])).toThrow(why);
});
