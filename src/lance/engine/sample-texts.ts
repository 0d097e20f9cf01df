/** Runs the same full-text searches twice, with the index and over the texts themselves, for words that are sampled from the table. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FtsOptions, MatchQuery, PhraseQuery, Table } from '@lancedb/lancedb';
import { distinctNumbers } from '../../lib/distinct-numbers.ts';
import { SegmentdError } from '../../lib/errors.ts';
import type { IndexMetadata } from '../codec/index-metadata.ts';
import { overFragments } from '../codec/index-metadata.ts';
import type { Manifest } from '../codec/manifest.ts';
import { pathOfField, sqlPathOfField } from '../codec/schema-field.ts';
import type { TablePlace } from '../segment.ts';
import { withAskedTable } from './asked-table.ts';
import { openFragmentView } from './fragment-view.ts';
import { lancedb } from './lancedb.ts';
import { RowSet } from './row-set.ts';
import type { SampleReport, WrongAnswer } from './sample-answers.ts';

type Searched = {
  readonly manifest: Manifest;
  readonly segments: readonly IndexMetadata[];
  /** Those that the segments answer for. */
  readonly fragments: readonly number[];
  /** What LanceDB builds such an index with. */
  readonly options: Partial<FtsOptions>;
  readonly samples: number;
  /** Chooses the rows and their words. */
  readonly random: () => number;
  /** Where the views lie. */
  readonly scratchDir: string;
  readonly maxRows?: number;
};

/** Rows that the index may find for all words together. */
const MAX_ROWS = 250_000;

/** Words of each sampled row. */
const WORDS_OF_A_ROW = 2;
/** Searches that share a pass over the texts; words of one row do not, since the one would hide that the other is missing. */
const PER_SCAN = 10;
/** Phrases are a pass each. */
const MAX_PHRASES = 3;
/** Of a text; a book is not cut into words for two of them. */
const MAX_CHARACTERS = 2_000;

/** Tokenizers with which words that follow each other in a text are a phrase of it. */
const OF_WORDS: ReadonlySet<string> = new Set(['simple', 'whitespace', 'icu', 'icu/split']);

/** Of an answer: all rows of a table. */
const MOST_ROWS = 2_147_483_647;

/** No fragment has it: Lance keeps ids below. */
const NO_FRAGMENT = 4_294_967_295;

/**
 * Compares what the index finds with what is found in the texts, by the same tokenizer: in a view whose only entry claims none of its
 * fragments, LanceDB searches all of them flat, and takes the tokenizer from the segment that the entry names. Errors are LanceDB's own.
 */
export async function compareSearches(
  place: Pick<TablePlace, 'uri' | 'storageOptions'>,
  searched: Searched,
): Promise<SampleReport> {
  const { manifest, segments, fragments } = searched;
  const [first] = segments;
  if (!first || fragments.length === 0) return { asked: 0, leftOut: 0, wrong: [] };
  const scratch = await mkdtemp(join(searched.scratchDir, 'segmentd-verify-'));
  const inView = <T>(entries: readonly IndexMetadata[], ask: (table: Table) => Promise<T>): Promise<T> => {
    const fieldIds = first.fields;
    const request = { manifest, tableUri: place.uri, fragments, fieldIds, keepsRowIds: true, segments: entries };
    return withAskedTable({ ...place, uri: openFragmentView(request, scratch).folder }, ask);
  };
  try {
    return await inView(segments, (indexed) =>
      inView([{ ...first, raw: overFragments(first.raw, [NO_FRAGMENT]) }], (flat) => compare(indexed, flat, searched)),
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

type Search = (column: string) => MatchQuery | PhraseQuery;

async function compare(indexed: Table, flat: Table, searched: Searched): Promise<SampleReport> {
  const { manifest, segments, options, maxRows = MAX_ROWS } = searched;
  const fieldId = segments[0]?.fields[0] as number;
  const column = pathOfField(manifest.schema, fieldId) as string;
  const rows = await sampleWords(indexed, sqlPathOfField(manifest.schema, fieldId) as string, searched);
  const sampled = [...new Set(rows.flatMap(({ words }) => words))];
  const words = await fewest(indexed, column, sampled, maxRows);
  const phrases = rows.flatMap(({ phrase }) => phrase ?? []).slice(0, MAX_PHRASES);
  const { MatchQuery: Match, PhraseQuery: Phrase } = await lancedb();
  const searches: [text: string, search: Search][] = [
    ...scansOf(words, options).map((text): [string, Search] => [text, (it) => new Match(text, it)]),
    ...phrases.map((text): [string, Search] => [`"${text}"`, (it) => new Phrase(text, it)]),
  ];
  const wrong: WrongAnswer[] = [];
  for (const [text, search] of searches) {
    const [index, scan] = [await answer(indexed, search(column)), await answer(flat, search(column), true)];
    if (!index.equals(scan)) wrong.push({ condition: `search for ${text}`, indexed: index.rows, scanned: scan.rows });
  }
  return { asked: words.length + phrases.length, leftOut: sampled.length - words.length, wrong };
}

/** The words that are searched for in each pass: some tokenizers make one word of a text, or look at its begin alone. */
function scansOf(words: readonly string[], { baseTokenizer, prefixOnly }: Partial<FtsOptions>): string[] {
  if (baseTokenizer === 'raw' || prefixOnly) return [...words];
  const scans = Math.min(words.length, Math.max(WORDS_OF_A_ROW, Math.ceil(words.length / PER_SCAN)));
  // Neighbours are of one row.
  return Array.from({ length: scans }, (_, scan) => words.filter((_, at) => at % scans === scan).join(' '));
}

/** Of the words those that the bound allows, in their order; the rarer ones first, and at least one. */
async function fewest(indexed: Table, column: string, words: readonly string[], maxRows: number): Promise<string[]> {
  const { MatchQuery: Match } = await lancedb();
  const counted: { word: string; count: number }[] = [];
  for (const word of words) {
    const { rows } = await answer(indexed, new Match(word, column), false, maxRows + 1);
    counted.push({ word, count: rows });
  }
  const kept = new Set<string>();
  let rows = 0;
  for (const { word, count } of counted.sort((a, b) => a.count - b.count)) {
    if (kept.size > 0 && rows + count > maxRows) break;
    rows += count;
    kept.add(word);
  }
  return words.filter((word) => kept.has(word));
}

async function answer(
  table: Table,
  search: MatchQuery | PhraseQuery,
  isFlat = false,
  limit = MOST_ROWS,
): Promise<RowSet> {
  // Without the score among the columns Lance warns on standard error.
  const query = table.query().fullTextSearch(search).select(['_score']).withRowId().limit(limit);
  if (isFlat && !(await query.explainPlan(true)).includes('Flat')) {
    throw new SegmentdError('internal', 'LanceDB answers by the index, so there is nothing to compare with');
  }
  const rows = new RowSet();
  for await (const batch of query) rows.add(batch);
  return rows;
}

type Sampled = { readonly words: readonly string[]; readonly phrase?: string };

async function sampleWords(table: Table, column: string, { options, samples, random }: Searched): Promise<Sampled[]> {
  const rows = await table.countRows();
  if (rows === 0) return [];
  const taken = await table
    .takeOffsets(distinctNumbers(samples, rows, random))
    .select({ value: column })
    .toArrow();
  const sampled: Sampled[] = [];
  for (const value of taken.getChild('value') ?? []) sampled.push(await wordsOf(textOf(value), options, random));
  return sampled;
}

/** A text, or the texts of a list. */
function textOf(value: unknown): string {
  if (value === null || typeof value === 'string') return value ?? '';
  return Array.from(value as Iterable<string | null>, (text) => text ?? '').join(' ');
}

/** What turns no text into tokens of other letters: a query is made from what stands in the text, since a stem has a stem of its own. */
const AS_THEY_STAND = {
  lowercase: false,
  stem: false,
  removeStopWords: false,
  asciiFolding: false,
  maxTokenLength: NO_FRAGMENT,
};

async function wordsOf(text: string, options: Partial<FtsOptions>, random: () => number): Promise<Sampled> {
  const { tokenize } = await lancedb();
  const isWhole = options.baseTokenizer === 'raw';
  const { customStopWords: _, ...plain } = { ...options, ...AS_THEY_STAND };
  const tokens = await tokenize(isWhole ? text : text.slice(0, MAX_CHARACTERS), plain);
  const words: string[] = [];
  let phrase: string | undefined;
  for (const at of distinctNumbers(Math.min(tokens.length, WORDS_OF_A_ROW * 4), tokens.length, random)) {
    const word = tokens[at]?.text ?? '';
    // A stop word, or one that is too long, is in no index.
    if (words.length === WORDS_OF_A_ROW || (await tokenize(word, options)).length === 0) continue;
    words.push(word);
    const next = tokens[at + 1]?.text;
    if (next && options.withPosition && OF_WORDS.has(options.baseTokenizer ?? '')) phrase ??= `${word} ${next}`;
  }
  return { words: [...new Set(words)], ...(phrase !== undefined && { phrase }) };
}
