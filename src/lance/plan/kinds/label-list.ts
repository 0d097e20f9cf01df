/** LABEL_LIST: the rows of each label in a list, for `array_has`, `array_has_any` and `array_has_all`. */
import { DISCRETE_TYPES } from './bitmap.ts';
import type { IndexKind } from './kind.ts';
import { namesMessage, noParameters } from './kind.ts';

const LISTS: ReadonlySet<string> = new Set(['list', 'large_list']);

export const LABEL_LIST: IndexKind = {
  name: 'label_list',
  label: 'LABEL_LIST',
  typeUrl: '/lance.table.LabelListIndexDetails',
  matches: ({ typeUrl, fields }) => namesMessage(typeUrl, 'LabelListIndexDetails') && fields.length === 1,
  matchesFiles: () => false,
  parametersOf: noParameters,
  versions: [0, 1],
  mixesVersions: true,
  problemOf: (field, schema) => {
    // An item has its own field, below that of the list.
    const item = schema.find(({ parentId }) => parentId === field.id);
    if (LISTS.has(field.logicalType) && item && DISCRETE_TYPES.has(item.logicalType)) return null;
    const what = item ? `${field.logicalType} of ${item.logicalType}` : field.logicalType;
    return `has type ${what}; LanceDB builds a LABEL_LIST over list and large_list of ${[...DISCRETE_TYPES].join(', ')}`;
  },
  engineCall: () => ({ method: 'labelList', options: {} }),
  byDefault: true,
  buildBytes: () => null,
  leastRows: 1,
  waitsForRows: false,
  proof: { by: 'conditions', of: 'labels' },
};
