/**
 * The kinds of index that segmentd maintains, and what each may be asked for: what the configuration and the command line accept, and
 * what the docs list. Parameters have Lance's names, as in the details of an index entry and in pylance.
 */

type Described = { readonly doc: string };
/** What the value of a parameter may be; a number also a multiple of `step`. */
export type ParameterSpec = Described &
  (
    | { readonly type: 'flag' }
    | { readonly type: 'number'; readonly min: number; readonly max: number; readonly step?: number }
    | { readonly type: 'text'; readonly oneOf: readonly string[] }
    | { readonly type: 'texts' }
  );

export type ParameterValue = string | number | boolean | readonly string[];

/** Parameters by name. */
export type IndexParameters = Readonly<Record<string, ParameterValue>>;

const flag = (doc: string): ParameterSpec => ({ type: 'flag', doc });
const number = (min: number, max: number, doc: string): ParameterSpec => ({ type: 'number', min, max, doc });

type Specs = Readonly<Record<string, ParameterSpec>>;

const FTS: Specs = {
  base_tokenizer: {
    type: 'text',
    oneOf: ['simple', 'whitespace', 'raw', 'ngram', 'icu', 'icu/split', 'code'],
    doc: 'how text becomes tokens',
  },
  language: {
    type: 'text',
    oneOf: [
      ...['Arabic', 'Danish', 'Dutch', 'English', 'Finnish', 'French', 'German', 'Greek', 'Hungarian', 'Italian'],
      ...['Norwegian', 'Portuguese', 'Romanian', 'Russian', 'Spanish', 'Swedish', 'Tamil', 'Turkish'],
    ],
    doc: 'of stems and stop words',
  },
  with_position: flag('record where tokens stand, which phrase queries need'),
  lower_case: flag('lower case'),
  stem: flag('reduce words to their stems'),
  remove_stop_words: flag('leave out stop words'),
  custom_stop_words: { type: 'texts', doc: "stop words instead of the language's" },
  ascii_folding: flag('replace letters with accents by those without'),
  max_token_length: number(1, 4_294_967_295, 'longer tokens are left out'),
  min_ngram_length: number(1, 255, 'shortest n-gram, of `ngram`; 3 unless given'),
  max_ngram_length: number(1, 255, 'longest n-gram, of `ngram`; 3 unless given'),
  prefix_only: flag('n-grams from the begin of a text only'),
  block_size: {
    type: 'number',
    min: 128,
    max: 256,
    step: 128,
    doc: 'documents in a block of a posting list: 128 or 256',
  },
};

const metric = (...oneOf: string[]): ParameterSpec => ({ type: 'text', oneOf, doc: 'the distance' });
const IVF: Specs = {
  metric: metric('l2', 'cosine', 'dot'),
  num_partitions: number(1, 65_536, 'partitions of a rebuilt index; a segment gets its share of them'),
};
const HNSW: Specs = {
  m: number(4, 256, 'neighbours of a vector in the graph; 20 unless given'),
  ef_construction: number(
    4,
    10_000,
    'candidates that are looked at while the graph is made, at least `m`; 300 unless given',
  ),
};
const CODE_BITS: ParameterSpec = { type: 'number', min: 4, max: 8, step: 4, doc: 'bits of a code: 4 or 8' };
const SUB_VECTORS = number(1, 65_536, 'parts that a vector is cut into');

/** Each kind with its parameters. */
export const INDEX_KINDS = {
  btree: {},
  bitmap: {},
  label_list: {},
  fm: {},
  fts: FTS,
  ivf_flat: { ...IVF, metric: metric('l2', 'cosine', 'dot', 'hamming') },
  ivf_pq: { ...IVF, num_sub_vectors: SUB_VECTORS, num_bits: CODE_BITS },
  ivf_rq: { ...IVF, num_bits: number(1, 8, 'bits per dimension') },
  ivf_hnsw_sq: { ...IVF, ...HNSW },
  ivf_hnsw_pq: { ...IVF, ...HNSW, num_sub_vectors: SUB_VECTORS },
} as const satisfies Readonly<Record<string, Specs>>;

export type KindName = keyof typeof INDEX_KINDS;
export const KIND_NAMES = Object.keys(INDEX_KINDS) as readonly KindName[];

/** What an index is to be: all of its segments are built with the same parameters. Parameters that are not given are the table's, or LanceDB's. */
export type IndexDefinition = { readonly kind: KindName; readonly parameters: IndexParameters };

/** Why `value` is no value of the parameter, as the rest of a sentence, or undefined. */
export function parameterProblem(spec: ParameterSpec, value: unknown): string | undefined {
  switch (spec.type) {
    case 'flag':
      return typeof value === 'boolean' ? undefined : 'is true or false';
    case 'number': {
      const { min, max, step = 1 } = spec;
      const isRight = Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
      if (isRight && (value as number) % step === 0) return undefined;
      return `is a whole number from ${min} to ${max}${step > 1 ? `, and a multiple of ${step}` : ''}`;
    }
    case 'texts':
      return Array.isArray(value) && value.every((each) => typeof each === 'string') ? undefined : 'is a list of words';
    case 'text':
      if (typeof value === 'string' && spec.oneOf.includes(value)) return undefined;
      return `is one of ${spec.oneOf.join(', ')}`;
  }
}

/** A parameter, and what LanceDB takes when it is not given. */
type WithDefault = readonly [name: string, otherwise: number];

/** Of each two, Lance refuses an index where the first is more than the second. */
const NOT_MORE_THAN: readonly (readonly [WithDefault, WithDefault])[] = [
  [
    ['m', 20],
    ['ef_construction', 300],
  ],
  [
    ['min_ngram_length', 3],
    ['max_ngram_length', 3],
  ],
];

/**
 * Which of two parameters, each fine by itself, does not fit the other, and why; undefined when all do. Of those that are not given the
 * default counts: whoever extends an index with others gives both.
 */
export function orderProblem(
  parameters: Readonly<Record<string, unknown>>,
): { readonly name: string; readonly problem: string } | undefined {
  for (const [[low, lowOtherwise], [high, highOtherwise]] of NOT_MORE_THAN) {
    // Lance takes any lengths of n-grams where it makes none.
    if (low === 'min_ngram_length' && parameters.base_tokenizer !== 'ngram') continue;
    const [least, most] = [parameters[low], parameters[high]];
    if (least === undefined && most === undefined) continue;
    if (Number(least ?? lowOtherwise) <= Number(most ?? highOtherwise)) continue;
    if (least === undefined)
      return { name: high, problem: `${most} is less than ${low}, ${lowOtherwise} unless given` };
    const limit = most === undefined ? `${highOtherwise} unless given` : `${most}`;
    return { name: low, problem: `${least} is more than ${high}, ${limit}` };
  }
  return undefined;
}

/** The first of the parameters that does not fit the kind, as a sentence, or undefined. */
export function parametersProblem(kind: KindName, parameters: Readonly<Record<string, unknown>>): string | undefined {
  const specs: Specs = INDEX_KINDS[kind];
  for (const [name, value] of Object.entries(parameters)) {
    const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
    if (!spec) {
      const known = Object.keys(specs);
      return `${kind} has no parameter ${name}; ${known.length > 0 ? `it has ${known.join(', ')}` : 'it has none'}`;
    }
    const problem = parameterProblem(spec, value);
    if (problem) return `${name} ${problem}`;
  }
  const unfit = orderProblem(parameters);
  return unfit && `${unfit.name} ${unfit.problem}`;
}
