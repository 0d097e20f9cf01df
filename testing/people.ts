/** The demo's data: people with an integer and a string key. Rows are a function of their number, so answers can be checked. */
import { makeVector, Table, Utf8, vectorFromArray } from 'apache-arrow';

export const DATABASE = 'demo';
export const TABLE = 'people';

export const nameOf = (id: number) => `user-${id.toString(36)}`;

/** Rows `from` to `from + count - 1`. */
export function people(from: number, count: number): Table {
  const ids = new BigInt64Array(count);
  const names: string[] = new Array(count);
  for (let at = 0; at < count; at++) {
    ids[at] = BigInt(from + at);
    names[at] = nameOf(from + at);
  }
  return new Table({ id: makeVector(ids), name: vectorFromArray(names, new Utf8()) });
}
