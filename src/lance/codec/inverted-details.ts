/**
 * The details of a full-text index: the parameters that it was built with, but for its own stop words, which stand only in a file of each
 * segment (see inverted-file.ts).
 *
 *   InvertedIndexDetails = 1 base_tokenizer · 2 language, a JSON string · 3 with_position · 4 max_token_length · 5 lower_case · 6 stem
 *                          7 remove_stop_words · 8 ascii_folding · 9 min_ngram_length · 10 max_ngram_length · 11 prefix_only
 *                          12 block_size · 13 code_config · 14 document_granularity · 15 posting_format_version · 16 … JSON documents
 *   code_config          = 1 split_identifiers · 2 split_on_numerics · 3 preserve_original · 4 index_operators
 */
import type { Cursor } from './wire.ts';

export type InvertedDetails = {
  /** Empty where the details are blank, as old writers left them. */
  readonly baseTokenizer: string;
  readonly language: string;
  readonly withPosition: boolean;
  /** Null: tokens of any length. */
  readonly maxTokenLength: number | null;
  readonly lowerCase: boolean;
  readonly stem: boolean;
  readonly removeStopWords: boolean;
  readonly asciiFolding: boolean;
  readonly minNgramLength: number;
  readonly maxNgramLength: number;
  readonly prefixOnly: boolean;
  /** Documents in a block of a posting list; writers before lance 9 do not say, and have 128. */
  readonly blockSize: number;
  /** Of the tokenizer `code`, else null. */
  readonly code: CodeConfig | null;
  /** 0: a row is a document. 1: each element of its list is one. */
  readonly granularity: number;
  /** Null where the writer does not say: before lance 11. */
  readonly postingFormat: number | null;
  /** Fields that are not known here, or not of the type they should have. */
  readonly unknown: readonly number[];
};

/** How the tokenizer `code` treats names of programs. */
export type CodeConfig = {
  readonly splitIdentifiers: boolean;
  readonly splitOnNumerics: boolean;
  readonly preserveOriginal: boolean;
  readonly indexOperators: boolean;
};

const VARINT = 0;
const BYTES = 2;

const TEXTS = ['', 'baseTokenizer', 'language'] as const;
const FLAGS: Readonly<Record<number, string>> = {
  3: 'withPosition',
  5: 'lowerCase',
  6: 'stem',
  7: 'removeStopWords',
  8: 'asciiFolding',
  11: 'prefixOnly',
};
const NUMBERS: Readonly<Record<number, string>> = {
  4: 'maxTokenLength',
  9: 'minNgramLength',
  10: 'maxNgramLength',
  12: 'blockSize',
  14: 'granularity',
  15: 'postingFormat',
};
const CODE = 13;
const CODE_NAME = 'code';
const CODE_FLAGS = ['', 'splitIdentifiers', 'splitOnNumerics', 'preserveOriginal', 'indexOperators'] as const;

/** What absent fields mean, by the rules of protobuf and of Lance's own decoder. */
const ABSENT: InvertedDetails = {
  baseTokenizer: '',
  language: '',
  withPosition: false,
  maxTokenLength: null,
  lowerCase: false,
  stem: false,
  removeStopWords: false,
  asciiFolding: false,
  minNgramLength: 0,
  maxNgramLength: 0,
  prefixOnly: false,
  blockSize: 128,
  code: null,
  granularity: 0,
  postingFormat: null,
  unknown: [],
};
const ABSENT_CODE: CodeConfig = {
  splitIdentifiers: false,
  splitOnNumerics: true,
  preserveOriginal: true,
  indexOperators: false,
};

/** Decodes the message, whose bytes are those of `value`. */
export function decodeInvertedDetails(value: Cursor): InvertedDetails {
  const found: Record<string, string | number | boolean | CodeConfig> = {};
  const unknown: number[] = [];
  while (value.next()) {
    const { field, wire } = value;
    const [text, flag, number] = [TEXTS[field], FLAGS[field], NUMBERS[field]];
    if (text && wire === BYTES) found[text] = value.string();
    else if (flag && wire === VARINT) found[flag] = value.varint() !== 0;
    else if (number && wire === VARINT) found[number] = value.varint();
    else if (field === CODE && wire === BYTES) found[CODE_NAME] = decodeCode(value.message(), unknown);
    else {
      unknown.push(field);
      value.skip();
    }
  }
  const details = { ...ABSENT, ...found, unknown };
  return { ...details, language: unquoted(details.language) };
}

function decodeCode(config: Cursor, unknown: number[]): CodeConfig {
  const found: Record<string, boolean> = {};
  while (config.next()) {
    const flag = CODE_FLAGS[config.field];
    if (flag && config.wire === VARINT) found[flag] = config.varint() !== 0;
    else {
      unknown.push(CODE);
      config.skip();
    }
  }
  return { ...ABSENT_CODE, ...found };
}

/** Lance writes the name of the language as JSON, quotes included. */
function unquoted(language: string): string {
  return language.replace(/^"(.*)"$/, '$1');
}
