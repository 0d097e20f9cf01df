/** FTS: the rows of each word of a text, for full-text search. */
import { SegmentdError } from '../../../lib/errors.ts';
import type { IndexParameters, ParameterValue } from '../../../lib/index-kinds.ts';
import { INDEX_KINDS, parameterProblem } from '../../../lib/index-kinds.ts';
import type { FileParameters } from '../../codec/index-metadata.ts';
import type { InvertedDetails } from '../../codec/inverted-details.ts';
import { decodeInvertedDetails } from '../../codec/inverted-details.ts';
import { paramsOf } from '../../codec/inverted-file.ts';
import type { SchemaField } from '../../codec/schema-field.ts';
import type { IndexKind, KindOfEntry } from './kind.ts';
import { detailsOf, namesMessage } from './kind.ts';

const TEXTS: ReadonlySet<string> = new Set(['string', 'large_string']);
const LISTS: ReadonlySet<string> = new Set(['list', 'large_list']);

/** What a document is: a text, or JSON. */
const TOKENIZER = 'lance_tokenizer';
const STOP_WORDS = 'custom_stop_words';

/** Options of LanceDB by the names that Lance has for them. */
const OPTIONS: Readonly<Record<string, string>> = {
  base_tokenizer: 'baseTokenizer',
  language: 'language',
  with_position: 'withPosition',
  max_token_length: 'maxTokenLength',
  lower_case: 'lowercase',
  stem: 'stem',
  remove_stop_words: 'removeStopWords',
  [STOP_WORDS]: 'customStopWords',
  ascii_folding: 'asciiFolding',
  min_ngram_length: 'ngramMinLength',
  max_ngram_length: 'ngramMaxLength',
  prefix_only: 'prefixOnly',
  block_size: 'blockSize',
};

/** How posting lists are stored: 3 has the large blocks, and the tokenizer `code`. */
const FORMATS = { small: 2, large: 3 } as const;
const BLOCKS = { small: 128, large: 256 } as const;

const unknown = (what: string) => new SegmentdError('index_parameters_unknown', what);

function parametersOf(entry: KindOfEntry): IndexParameters {
  const details = decodeInvertedDetails(detailsOf(entry.details));
  const reason = unbuildableReason(details);
  if (reason) throw unknown(reason);
  const file = entry.fileParameters ?? { unknown: 'its metadata.lance has not been read' };
  if ('unknown' in file) throw unknown(file.unknown);
  const parameters = byName(details);
  for (const [name, value] of Object.entries(parameters)) {
    const built = file.values[name];
    // Readers take the file's, so that such a segment misses what its details promise.
    if (Object.hasOwn(file.values, name) && built !== value) {
      throw new SegmentdError(
        'index_parameters_mixed',
        `its details say that ${name} is ${JSON.stringify(value)}, and its metadata.lance ${JSON.stringify(built)}`,
      );
    }
  }
  const words = file.values[STOP_WORDS];
  return words === undefined ? parameters : { ...parameters, [STOP_WORDS]: words };
}

function byName(details: InvertedDetails): Readonly<Record<string, ParameterValue>> {
  return {
    base_tokenizer: details.baseTokenizer,
    language: details.language,
    with_position: details.withPosition,
    max_token_length: details.maxTokenLength as number,
    lower_case: details.lowerCase,
    stem: details.stem,
    remove_stop_words: details.removeStopWords,
    ascii_folding: details.asciiFolding,
    min_ngram_length: details.minNgramLength,
    max_ngram_length: details.maxNgramLength,
    prefix_only: details.prefixOnly,
    block_size: details.blockSize,
  };
}

/** Why LanceDB for Node builds no segment with these details, as a sentence that names the parameter, or null. */
function unbuildableReason(details: InvertedDetails): string | null {
  const { baseTokenizer, language, maxTokenLength, blockSize, code, granularity, unknown } = details;
  if (unknown.length > 0) return `its details have fields that are not known here: ${unknown.join(', ')}`;
  if (baseTokenizer === '') return 'its details do not say base_tokenizer, as those of old versions of Lance do not';
  if (!isKnown('base_tokenizer', baseTokenizer)) return `base_tokenizer is ${baseTokenizer}`;
  if (!isKnown('language', language)) return `language is ${language}`;
  if (maxTokenLength === null) return 'max_token_length is none, which LanceDB for Node has no option for';
  if (blockSize !== BLOCKS.small && blockSize !== BLOCKS.large) return `block_size is ${blockSize}`;
  if (granularity !== 0) return 'document_granularity is that of list elements';
  if (code ? baseTokenizer !== 'code' || !isDefaultCode(code) : baseTokenizer === 'code')
    return 'code_config is not the default';
  return formatReason(details);
}

/** The format follows from the other parameters; Lance before 11 does not say it. */
function formatReason({ postingFormat, blockSize, code }: InvertedDetails): string | null {
  const wanted = code || blockSize === BLOCKS.large ? FORMATS.large : FORMATS.small;
  if (postingFormat === null || postingFormat === wanted) return null;
  return `posting_format_version is ${postingFormat}, and LanceDB for Node writes ${wanted}`;
}

const isKnown = (name: 'base_tokenizer' | 'language', value: string) =>
  parameterProblem(INDEX_KINDS.fts[name] as Parameters<typeof parameterProblem>[0], value) === undefined;

const isDefaultCode = (code: NonNullable<InvertedDetails['code']>) =>
  !code.splitIdentifiers && code.splitOnNumerics && code.preserveOriginal && !code.indexOperators;

/** What `metadata.lance` says: `null` of a parameter is the same as its absence. */
function readFile(content: Uint8Array): FileParameters {
  const params = paramsOf(content);
  if (!params) return { unknown: 'its metadata.lance does not say what it was built with' };
  if ((params[TOKENIZER] ?? 'text') !== 'text') {
    return { unknown: `${TOKENIZER} is ${JSON.stringify(params[TOKENIZER])}` };
  }
  const words = params[STOP_WORDS] ?? [];
  if (!Array.isArray(words) || !words.every((word) => typeof word === 'string')) {
    return { unknown: `${STOP_WORDS} is no list of words` };
  }
  const known = Object.entries(params).filter(([name, value]) => Object.hasOwn(OPTIONS, name) && value !== null);
  return { values: Object.fromEntries(known) as IndexParameters };
}

/**
 * Errors: index_parameters_unknown. On a language that it does not know LanceDB 0.39 aborts the process, and not the call.
 */
function engineCall(parameters: IndexParameters): ReturnType<IndexKind['engineCall']> {
  const options: Record<string, ParameterValue> = {};
  for (const [name, value] of Object.entries(parameters)) {
    const option = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined;
    if (!option) throw unknown(`LanceDB has no option for ${name}`);
    if ((name === 'language' || name === 'base_tokenizer') && !isKnown(name, String(value))) {
      throw unknown(`${name} is ${JSON.stringify(value)}`);
    }
    options[option] = value;
  }
  return { method: 'fts', options };
}

function problemOf(field: SchemaField, schema: readonly SchemaField[]): string | null {
  const item = LISTS.has(field.logicalType) ? schema.find(({ parentId }) => parentId === field.id) : undefined;
  if (TEXTS.has((item ?? field).logicalType)) return null;
  const what = item ? `${field.logicalType} of ${item.logicalType}` : field.logicalType;
  return `has type ${what}; LanceDB builds a FTS over string, large_string and lists of them`;
}

/** Measured: see docs/indexes.md. What a build takes whatever its rows, and the postings of a row before they are written out. */
const BUILD_BYTES = 48 * 2 ** 20;
const ROW_BYTES = 1_024;

/** Whether the entry is a full-text index, whichever. */
const isTextIndex = ({ typeUrl }: Pick<KindOfEntry, 'typeUrl'>) => namesMessage(typeUrl, 'InvertedIndexDetails');

export const FULL_TEXT: IndexKind = {
  name: 'fts',
  label: 'FTS',
  typeUrl: '/lance.table.InvertedIndexDetails',
  matches: ({ typeUrl, fields }) => namesMessage(typeUrl, 'InvertedIndexDetails') && fields.length === 1,
  matchesFiles: () => false,
  parametersOf,
  parametersFile: { name: 'metadata.lance', read: readFile },
  // The format of the posting lists, which readers that know it read beside the others.
  versions: [1, 2, 3],
  mixesVersions: true,
  problemOf,
  engineCall,
  isAlone: isTextIndex,
  byDefault: true,
  buildBytes: (_field, rows) => BUILD_BYTES + rows * ROW_BYTES,
  leastRows: 1,
  waitsForRows: false,
  // A document is listed once for each segment that has it, whatever the bitmaps say. Measured with LanceDB 0.39.
  standsWhole: true,
  proof: { by: 'text' },
};
