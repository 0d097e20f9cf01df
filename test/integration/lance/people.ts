/** The rows of tests: a function of their number, so that answers can be checked. */
import { makeVector, Table, Utf8, vectorFromArray } from 'apache-arrow';

export const nameOf = (id: number) => `user-${id.toString(36)}`;

/** Rows `from` to `from + count - 1`: an int64 `id` and a string `name` that follows from it. */
export function people(from: number, count: number): Table {
  const ids = BigInt64Array.from({ length: count }, (_, at) => BigInt(from + at));
  const names = Array.from({ length: count }, (_, at) => nameOf(from + at));
  return new Table({ id: makeVector(ids), name: vectorFromArray(names, new Utf8()) });
}
