/** BITMAP: the rows of each value, for columns of few values. */
import type { IndexKind } from './kind.ts';
import { namesMessage, noParameters, overTypes } from './kind.ts';

/** Tried one by one with LanceDB 0.39. */
export const DISCRETE_TYPES: ReadonlySet<string> = new Set([
  ...['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64'],
  ...['bool', 'string', 'large_string', 'binary', 'large_binary'],
]);

export const BITMAP: IndexKind = {
  name: 'bitmap',
  label: 'BITMAP',
  typeUrl: '/lance.table.BitmapIndexDetails',
  matches: ({ typeUrl, fields }) => namesMessage(typeUrl, 'BitmapIndexDetails') && fields.length === 1,
  matchesFiles: () => false,
  parametersOf: noParameters,
  versions: [0],
  mixesVersions: false,
  problemOf: overTypes('BITMAP', DISCRETE_TYPES),
  engineCall: () => ({ method: 'bitmap', options: {} }),
  byDefault: true,
  buildBytes: () => null,
  leastRows: 1,
  waitsForRows: false,
  proof: { by: 'conditions', of: 'values' },
};
