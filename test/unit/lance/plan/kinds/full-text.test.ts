import { expect, test } from 'vitest';
import type { FileParameters } from '../../../../../src/lance/codec/index-metadata.ts';
import { FULL_TEXT } from '../../../../../src/lance/plan/kinds/full-text.ts';
import type { IndexParameters } from '../../../../../src/lib/index-kinds.ts';
import { invertedDetails, PLAIN_TEXT } from '../../inverted-fixture.ts';
import { lanceFile } from '../../lance-file-fixture.ts';
import type { WireField } from '../../manifest-fixture.ts';
import { message } from '../../manifest-fixture.ts';

const SAID = { values: {} };

const entry = (changes: Readonly<Record<number, WireField[1] | null>> = {}, fileParameters?: FileParameters) => ({
  typeUrl: '/lance.table.InvertedIndexDetails',
  fields: [1],
  details: message([6, invertedDetails(changes)]),
  ...(fileParameters && { fileParameters }),
});

test('parameters go by the names that Lance has for them', () => {
  expect(FULL_TEXT.parametersOf(entry({}, SAID))).toEqual(PLAIN_TEXT);
});

test('stop words come from the file of the segment', () => {
  const file: FileParameters = { values: { ...PLAIN_TEXT, custom_stop_words: ['le', 'la'] } };
  expect(FULL_TEXT.parametersOf(entry({}, file))).toEqual({ ...PLAIN_TEXT, custom_stop_words: ['le', 'la'] });
  expect(FULL_TEXT.parametersOf(entry({}, { values: { custom_stop_words: [] } }))).toMatchObject({
    custom_stop_words: [],
  });
});

test.each<[string, Readonly<Record<number, WireField[1] | null>>, RegExp]>([
  ['blank, as old writers left them', { 1: null, 2: null }, /do not say base_tokenizer/],
  ['of a tokenizer that wants a dictionary', { 1: 'jieba/default' }, /base_tokenizer is jieba\/default/],
  ['of a language that LanceDB dies of', { 2: '"Klingon"' }, /language is Klingon/],
  ['without a longest token', { 4: null }, /max_token_length is none/],
  ['of other blocks', { 12: 512 }, /block_size is 512/],
  ['of the tokenizer code with options', { 1: 'code', 13: message([1, 1]), 15: 3 }, /code_config/],
  ['of the tokenizer code without any', { 1: 'code', 15: 3 }, /code_config/],
  ['with options of code and another tokenizer', { 13: message([2, 1], [3, 1]), 15: 3 }, /code_config/],
  ['of elements of lists', { 14: 1 }, /document_granularity/],
  ['of the first format', { 15: 1 }, /posting_format_version is 1, and LanceDB for Node writes 2/],
  ['of the third format in small blocks', { 15: 3 }, /posting_format_version is 3/],
  ['of the second format in large blocks', { 12: 256 }, /posting_format_version is 2, and LanceDB for Node writes 3/],
  ['of a newer Lance', { 16: 'lines' }, /fields that are not known here: 16/],
])('details %s are declined by name', (_name, changes, message) => {
  const parameters = () => FULL_TEXT.parametersOf(entry(changes, SAID));
  expect(parameters).toThrow(message);
  expect(parameters).toThrow(expect.objectContaining({ code: 'index_parameters_unknown' }));
});

test.each<[string, Readonly<Record<number, WireField[1] | null>>, IndexParameters]>([
  ['lance 7, without blocks and format', { 12: null, 15: null }, { block_size: 128 }],
  ['lance 9, without the format', { 15: null }, { block_size: 128 }],
  ['large blocks', { 12: 256, 15: 3 }, { block_size: 256 }],
  ['code', { 1: 'code', 13: message([2, 1], [3, 1]), 15: 3 }, { base_tokenizer: 'code' }],
])('details of %s are known', (_name, changes, expected) => {
  expect(FULL_TEXT.parametersOf(entry(changes, SAID))).toMatchObject(expected);
});

test('a segment whose file says something else than its details is named', () => {
  const parameters = () => FULL_TEXT.parametersOf(entry({}, { values: { stem: false } }));
  expect(parameters).toThrow('its details say that stem is true, and its metadata.lance false');
  expect(parameters).toThrow(expect.objectContaining({ code: 'index_parameters_mixed' }));
});

test('without what its file says nothing is known of a segment', () => {
  expect(() => FULL_TEXT.parametersOf(entry())).toThrow('has not been read');
  expect(() => FULL_TEXT.parametersOf(entry({}, { unknown: 'it is gone' }))).toThrow('it is gone');
});

const read = (content: Uint8Array) => FULL_TEXT.parametersFile?.read(content);
const params = (value: unknown) => lanceFile({ params: JSON.stringify(value) });

test('the file of a segment says what its segment was built with', () => {
  const said = { lance_tokenizer: 'text', stem: true, custom_stop_words: ['a'], split_identifiers: false };
  expect(read(params(said))).toEqual({ values: { stem: true, custom_stop_words: ['a'] } });
  expect(read(params({ custom_stop_words: null, max_token_length: null }))).toEqual({ values: {} });
});

test.each([
  ['is none', Buffer.from('x'), 'does not say'],
  ['is of JSON documents', params({ lance_tokenizer: 'json' }), 'lance_tokenizer is "json"'],
  ['has other stop words', params({ custom_stop_words: [1] }), 'custom_stop_words is no list of words'],
])('a file that %s is told', (_name, content, what) => {
  expect(read(content)).toEqual({ unknown: expect.stringContaining(what) });
});

test('LanceDB is asked in its own words, and never for a language that it dies of', () => {
  const { method, options } = FULL_TEXT.engineCall({ ...PLAIN_TEXT, custom_stop_words: ['a'] }, 1);
  expect(method).toBe('fts');
  expect(options).toEqual({
    baseTokenizer: 'simple',
    language: 'English',
    withPosition: false,
    maxTokenLength: 40,
    lowercase: true,
    stem: true,
    removeStopWords: true,
    customStopWords: ['a'],
    asciiFolding: true,
    ngramMinLength: 3,
    ngramMaxLength: 3,
    prefixOnly: false,
    blockSize: 128,
  });
  for (const wrong of [{ language: 'Klingon' }, { language: 'english' }, { base_tokenizer: 'x' }, { other: 1 }]) {
    expect(() => FULL_TEXT.engineCall(wrong, 1)).toThrow(expect.objectContaining({ code: 'index_parameters_unknown' }));
  }
});

const field = (logicalType: string, id = 1, parentId = -1) => ({ id, parentId, name: 'c', logicalType });

test.each([
  ['string', undefined, true],
  ['large_string', undefined, true],
  ['list', 'string', true],
  ['large_list', 'large_string', true],
  ['list', 'int64', false],
  ['list', 'list', false],
  ['list.struct', 'struct', false],
  ['json', undefined, false],
  ['large_binary', undefined, false],
  ['dict:string:int32:false', undefined, false],
  ['int64', undefined, false],
])('over %s of %s: %s', (type, item, isBuilt) => {
  const schema = [field(type), ...(item ? [field(item, 2, 1)] : [])];
  expect(FULL_TEXT.problemOf(field(type), schema, {}) === null).toBe(isBuilt);
});
