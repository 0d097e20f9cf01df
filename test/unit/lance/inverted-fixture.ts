/** Details of a full-text index as lance 12 writes them. */
import type { WireField } from './manifest-fixture.ts';
import { message } from './manifest-fixture.ts';

export const PLAIN_TEXT = {
  base_tokenizer: 'simple',
  language: 'English',
  with_position: false,
  max_token_length: 40,
  lower_case: true,
  stem: true,
  remove_stop_words: true,
  ascii_folding: true,
  min_ngram_length: 3,
  max_ngram_length: 3,
  prefix_only: false,
  block_size: 128,
};

const FIELDS: Readonly<Record<number, WireField[1]>> = {
  ...{ 1: 'simple', 2: '"English"', 4: 40, 5: 1, 6: 1, 7: 1, 8: 1, 9: 3, 10: 3, 12: 128, 15: 2 },
};

/** The Any with other values in some fields; null leaves one out. */
export function invertedDetails(changes: Readonly<Record<number, WireField[1] | null>> = {}): Uint8Array {
  const fields = Object.entries({ ...FIELDS, ...changes }).flatMap(([field, value]) =>
    value === null ? [] : [[Number(field), value] as const],
  );
  return message([1, '/lance.table.InvertedIndexDetails'], [2, message(...fields)]);
}
