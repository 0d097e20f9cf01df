/** Full-text indexes: segments with the parameters of the index, and the answers and scores of LanceDB's searches over them. */
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FtsOptions, Table as LanceDbTable } from '@lancedb/lancedb';
import { Index, MatchQuery, PhraseQuery } from '@lancedb/lancedb';
import { makeVector, Table, Utf8, vectorFromArray } from 'apache-arrow';
import { expect, test } from 'vitest';
import { paramsOf } from '../../../src/lance/codec/inverted-file.ts';
import { verifyTable } from '../../../src/lance/inspect/verify-table.ts';
import { surveyIndexes } from '../../../src/lance/plan/index-plan.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import type { IndexParameters } from '../../../src/lib/index-kinds.ts';
import { localStore } from '../../../src/store/local-store.ts';
import { claim } from '../../../testing/claim-fragments.ts';
import { segmentdProcess } from '../../../testing/cli.ts';
import { index, latest, realTable } from '../../../testing/lance-table.ts';
import { seeded } from '../../../testing/seeded.ts';

const texts = (from: number, all: readonly (string | null)[]) =>
  new Table({
    id: makeVector(BigInt64Array.from(all, (_, at) => BigInt(from + at))),
    body: vectorFromArray(all, new Utf8()),
  });

/** What an index can be asked for, each by itself and some together. */
const PARAMETERS: readonly Partial<FtsOptions>[] = [
  {},
  { withPosition: true },
  ...(['whitespace', 'raw', 'ngram', 'icu', 'icu/split', 'code'] as const).map((baseTokenizer) => ({ baseTokenizer })),
  { language: 'German' },
  { maxTokenLength: 5 },
  { maxTokenLength: 0 },
  { maxTokenLength: 4_294_967_295 },
  { lowercase: false },
  { stem: false },
  { removeStopWords: false },
  { customStopWords: ['quick', 'ü"\\'] },
  { customStopWords: [] },
  { customStopWords: ['q'], removeStopWords: false },
  { asciiFolding: false },
  { baseTokenizer: 'ngram', ngramMinLength: 2, ngramMaxLength: 4, prefixOnly: true },
  { baseTokenizer: 'ngram', stem: true, removeStopWords: true },
  { blockSize: 256 },
  { baseTokenizer: 'code', blockSize: 256, stem: true },
] as Partial<FtsOptions>[];

test.each(PARAMETERS)('a segment beside an index of %j is its like to the byte', async (options) => {
  const { uri, table } = await realTable(texts(0, ['the quick brown fox', 'running', null]));
  await table.createIndex('body', { config: Index.fts(options), name: 'words' });
  await table.add(texts(10, ['getUserName Über', 'runs quick']));
  await index(uri);
  const { indexes } = await latest(uri);
  const [theirs, ours] = indexes.map((entry) => {
    const params = paramsOf(readFileSync(join(uri, '_indices', entry.uuid, 'metadata.lance')));
    return { details: Buffer.from(entry.details).toString('hex'), version: entry.indexVersion, params };
  });
  expect(indexes).toHaveLength(2);
  expect(ours).toEqual(theirs);
  const { served } = surveyIndexes(await latest(uri), 'existing');
  // Built anew from what was decoded, with nothing of the first to copy.
  const { uri: anew } = await realTable(texts(0, ['the quick brown fox']));
  const [{ parameters } = { parameters: {} }] = served;
  await index(anew, { wanted: [{ column: 'body', kind: 'fts', parameters }] });
  const [made] = (await latest(anew)).indexes;
  expect(made && Buffer.from(made.details).toString('hex')).toBe(theirs?.details);
  const params = paramsOf(readFileSync(join(anew, '_indices', made?.uuid ?? '', 'metadata.lance')));
  expect([params, made?.indexVersion]).toEqual([theirs?.params, theirs?.version]);
});

type Hits = ReadonlyMap<number, number>;

/** Scores by id, and what of LanceDB's plan answered. */
async function search(table: LanceDbTable, query: MatchQuery | PhraseQuery | string): Promise<Hits> {
  const asked = typeof query === 'string' ? new MatchQuery(query, 'body') : query;
  const rows: { id: bigint; _score: number }[] = await table
    .query()
    .fullTextSearch(asked)
    .select(['id', '_score'])
    .limit(100_000)
    .toArray();
  return new Map(rows.map(({ id, _score }) => [Number(id), _score]));
}
const ids = async (table: LanceDbTable, query: MatchQuery | PhraseQuery | string) =>
  [...(await search(table, query)).keys()].sort((a, b) => a - b);
const phrase = (text: string) => new PhraseQuery(text, 'body');

/** Whether the index answers for all rows: unindexed ones show as a flat search. */
async function isCovered(table: LanceDbTable, word: string): Promise<boolean> {
  const plan = await table
    .query()
    .fullTextSearch(new MatchQuery(word, 'body'))
    .select(['id', '_score'])
    .explainPlan(true);
  return plan.includes('MatchQuery') && !plan.includes('FlatMatchQuery');
}

const PART = 60;
const WORDS = ['running', 'runs', 'Über', 'the', 'stop', 'Käse'] as const;
const docs = (from: number) =>
  texts(
    from,
    Array.from({ length: PART }, (_, at) => {
      const id = from + at;
      return id % 13 === 0 ? null : id % 13 === 1 ? '' : `${WORDS[id % 6]} quick brown n${id % 10} the fox stop`;
    }),
  );

test('new segments answer as one index does, whatever is deleted, updated, merged and compacted around them', async () => {
  const { uri, table } = await realTable(docs(0));
  const parameters = { with_position: true, custom_stop_words: ['stop'] };
  await index(uri, { wanted: [{ column: 'body', kind: 'fts', parameters }] });
  /** The same rows with an index that was made in one go. */
  const check = async (segments: number) => {
    expect((await latest(uri)).indexes).toHaveLength(segments);
    const { table: whole } = await realTable(await table.query().select(['id', 'body']).toArrow());
    await whole.createIndex('body', { config: Index.fts({ withPosition: true, customStopWords: ['stop'] }) });
    expect(await isCovered(table, 'runs')).toBe(true);
    for (const query of [
      'runs',
      'uber',
      'kase',
      'n3',
      'the',
      'stop',
      phrase('quick brown n4'),
      phrase('brown quick'),
    ]) {
      expect(await ids(table, query)).toEqual(await ids(whole, query));
    }
    expect((await ids(table, 'runs')).length).toBeGreaterThan(10);
    expect((await ids(table, phrase('quick brown n4'))).length).toBeGreaterThan(0);
    expect(await ids(table, 'stop')).toEqual([]);
  };
  await check(1);
  for (const from of [PART, 2 * PART]) {
    await table.add(docs(from));
    await index(uri);
  }
  await check(3);
  await table.delete('id % 10 = 3 AND id > 20');
  await table.update({ where: 'id % 10 = 4 AND id > 30', values: { body: 'moved running n3' } });
  await index(uri);
  await check(4);
  const changed = texts(100, ['merged runs', 'merged quick brown n4']);
  await table.mergeInsert('id').whenMatchedUpdateAll().whenNotMatchedInsertAll().execute(changed);
  await index(uri);
  await check(5);
  await table.optimize();
  await table.add(docs(3 * PART));
  await index(uri);
  await check((await latest(uri)).indexes.length);
});

test.each([
  ['German', { language: 'German' }, 'Katzen', 'Katze', 'und'],
  ['French', { language: 'French' }, 'chevaux', 'cheval', 'le'],
  ['Russian', { language: 'Russian' }, 'книги', 'книга', 'и'],
  ['ngrams', { base_tokenizer: 'ngram', min_ngram_length: 3, max_ngram_length: 4 }, 'unbelievable', 'liev', 'xyz'],
] as const)(
  '%s: a word is found by another form of it in every segment',
  async (_name, parameters, word, form, none) => {
    const { uri, table } = await realTable(texts(0, [`${word} ${none === 'xyz' ? 'q' : none} eins`]));
    await index(uri, { wanted: [{ column: 'body', kind: 'fts', parameters }] });
    await table.add(texts(1, [`zwei ${word}`]));
    await index(uri);
    expect([await ids(table, form), await ids(table, none), await isCovered(table, word)]).toEqual([[0, 1], [], true]);
  },
);

test('over eight segments that are nothing like each other, documents and scores are those of one index', async () => {
  const random = seeded(7);
  const parts = Array.from({ length: 8 }, (_, part) =>
    Array.from({ length: 150 }, () =>
      // Each part has its own length of documents and its own usual words.
      Array.from({ length: 3 + part * 6 }, () => `w${Math.floor(random() ** (1 + part / 2) * 300)}`).join(' '),
    ),
  );
  const first = texts(0, parts[0] ?? []);
  const [many, one] = [await realTable(first), await realTable(first)];
  const wanted = [{ column: 'body', kind: 'fts', parameters: { with_position: true } }] as const;
  await index(many.uri, { wanted });
  for (const [part, own] of parts.entries()) {
    if (part === 0) continue;
    for (const { table } of [many, one]) await table.add(texts(part * 1_000, own));
    await index(many.uri);
  }
  await index(one.uri, { wanted });
  expect([(await latest(many.uri)).indexes.length, (await latest(one.uri)).indexes.length]).toEqual([8, 1]);
  const queries = [
    'w0',
    'w1 w7',
    'w150 w3 w299',
    'w20',
    phrase('w0 w1'),
    new MatchQuery('w12', 'body', { fuzziness: 1 }),
  ];
  for (const query of queries) {
    const [over, whole] = [await search(many.table, query), await search(one.table, query)];
    expect(whole.size).toBeGreaterThan(0);
    expect(new Set(over.keys())).toEqual(new Set(whole.keys()));
    for (const [id, score] of whole) expect(Math.abs((over.get(id) ?? 0) / score - 1)).toBeLessThan(1e-5);
  }
});

test('an index is never given another parameter, and is left alone where Node cannot be told what it has', async () => {
  const { uri, table } = await realTable(docs(0));
  await table.createIndex('id', { config: Index.btree() });
  await table.createIndex('body', { config: Index.fts({ stem: false }), name: 'words' });
  const wanted = [{ column: 'body', kind: 'fts', name: 'words', parameters: { stem: true } }] as const;
  await expect(index(uri, { wanted })).rejects.toThrow(expect.objectContaining({ code: 'index_parameters_differ' }));
  await table.add(docs(PART));
  await rm(join(uri, '_indices', (await latest(uri)).indexes.at(-1)?.uuid ?? '', 'metadata.lance'));
  await index(uri);
  const manifest = await latest(uri);
  expect(manifest.indexes.map(({ name }) => name)).toEqual(['id_idx', 'words', 'id_idx']);
  const { left } = surveyIndexes(manifest, 'existing');
  expect(left).toMatchObject([{ name: 'words', type: 'FTS', reason: { code: 'index_parameters_unknown' } }]);
});

/** Texts that differ from row to row, with what makes trouble in each: nulls, blanks, stop words, accents, long words. */
const odd = (from: number) =>
  texts(
    from,
    Array.from({ length: PART }, (_, at) => {
      const id = from + at;
      const all = [null, '', ' ', 'the', `${'x'.repeat(60)} y${id}`, `Ünïcode Straße y${id} RUNNING runs the stop`];
      return all[id % 8] ?? `stop the quick y${id} fooBar::baz(${id}) über die Katzen`;
    }),
  );

const VERIFIED: readonly IndexParameters[] = [
  {},
  { with_position: true, custom_stop_words: ['stop'] },
  { with_position: true, remove_stop_words: false, stem: false },
  { with_position: true, language: 'German', ascii_folding: false, lower_case: false },
  { base_tokenizer: 'ngram', max_ngram_length: 4 },
  { base_tokenizer: 'ngram', prefix_only: true },
  { base_tokenizer: 'whitespace', max_token_length: 8 },
  { base_tokenizer: 'raw', max_token_length: 200 },
  { base_tokenizer: 'icu', with_position: true },
  { base_tokenizer: 'icu/split' },
  { base_tokenizer: 'code' },
];

test.each(VERIFIED)(
  'verify has no false findings with %j, and finds a claim to what a segment does not hold',
  async (parameters) => {
    const { uri, table } = await realTable(odd(0));
    await index(uri, { wanted: [{ column: 'body', kind: 'fts', parameters }] });
    await table.add(odd(PART));
    await index(uri);
    await table.delete('id % 10 = 3');
    await table.update({ where: 'id % 10 = 4', values: { body: 'moved running' } });
    const verify = (samples: number) => verifyTable(new LanceTable(localStore(uri)), samples);
    // Also while rows are not indexed yet.
    const sound = await verify(20);
    expect([sound.findings, sound.answers > 2]).toEqual([[], true]);
    await claim(uri, [1, 2], 'body_idx');
    const { findings } = await verify(60);
    expect(new Set(findings.map(({ code }) => code))).toEqual(new Set(['answer_wrong']));
  },
);

test('verify finds a file that is not there', async () => {
  const { uri } = await realTable(odd(0));
  await index(uri, { wanted: [{ column: 'body', kind: 'fts' }] });
  const [segment] = (await latest(uri)).indexes;
  await rm(join(uri, '_indices', segment?.uuid ?? '', 'part_0_docs.lance'));
  const { findings } = await verifyTable(new LanceTable(localStore(uri)), 5);
  expect(new Set(findings.map(({ code }) => code))).toEqual(new Set(['file_missing', 'query_failed']));
});

test('a column that LanceDB builds no full-text index over is named', async () => {
  const { uri } = await realTable(docs(0));
  await expect(index(uri, { wanted: [{ column: 'id', kind: 'fts' }] })).rejects.toThrow(
    /column id has type int64; LanceDB builds a FTS over string/,
  );
});

test('merges leave an index as it was: details, format and stop words', async () => {
  const { uri, table } = await realTable(texts(0, ['quick fox']));
  const options = { customStopWords: ['quick'], withPosition: true, stem: false };
  await table.createIndex('body', { config: Index.fts(options) });
  const facts = async () =>
    (await latest(uri)).indexes.map(({ details, indexVersion, uuid }) => {
      const params = paramsOf(readFileSync(join(uri, '_indices', uuid, 'metadata.lance')));
      return { details: Buffer.from(details).toString('hex'), indexVersion, params };
    });
  const [first] = await facts();
  for (const id of [1, 2, 3]) {
    await table.add(texts(id, ['quick fox']));
    await index(uri);
  }
  expect(await facts()).toEqual([first, first, first, first]);
  // Some beside one that stays, then all of them.
  for (const [to, left] of [
    ['2', [first, first]],
    ['1', [first]],
  ] as const) {
    expect((await segmentdProcess(['merge', uri, '--to', to])).code).toBe(0);
    expect(await facts()).toEqual(left);
  }
  expect([await ids(table, 'fox'), await ids(table, 'quick')]).toEqual([[0, 1, 2, 3], []]);
});
