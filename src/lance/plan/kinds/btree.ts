/** BTREE: values in order, for `=`, `IN` and ranges. */
import type { IndexKind } from './kind.ts';
import { namesMessage, noParameters, overTypes } from './kind.ts';

/** Of inverted and bitmap indexes: Lance looks for these first. */
const FILES_OF_OTHERS = new Set(['metadata.lance', 'invert.lance', 'bitmap_page_lookup.lance']);

const TYPES: ReadonlySet<string> = new Set([
  ...['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64'],
  ...['halffloat', 'float', 'double', 'bool', 'string'],
  ...['date32', 'date64', 'time32', 'time64', 'time', 'timestamp', 'fixed_size_binary'],
]);

export const BTREE: IndexKind = {
  name: 'btree',
  label: 'BTREE',
  typeUrl: '/lance.table.BTreeIndexDetails',
  matches: ({ typeUrl, fields }) => namesMessage(typeUrl, 'BTreeIndexDetails') && fields.length === 1,
  matchesFiles: (names) =>
    ['page_lookup.lance', 'page_data.lance'].every((name) => names.includes(name)) &&
    !names.some((name) => FILES_OF_OTHERS.has(name)),
  parametersOf: noParameters,
  // 1 is for tables with stable row ids: see row-ids.ts.
  versions: [0, 1],
  mixesVersions: false,
  problemOf: overTypes('BTREE', TYPES),
  engineCall: () => ({ method: 'btree', options: {} }),
  byDefault: true,
  buildBytes: () => null,
  leastRows: 1,
  waitsForRows: false,
  proof: { by: 'conditions', of: 'values' },
};
