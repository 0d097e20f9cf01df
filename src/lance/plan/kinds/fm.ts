/** FM: a compressed suffix array of texts, for `contains`. */
import type { IndexKind } from './kind.ts';
import { namesMessage, noParameters, overTypes } from './kind.ts';

export const FM: IndexKind = {
  name: 'fm',
  label: 'FM',
  typeUrl: '/lance.index.pb.FMIndexDetails',
  matches: ({ typeUrl, fields }) => namesMessage(typeUrl, 'FMIndexDetails') && fields.length === 1,
  matchesFiles: () => false,
  parametersOf: noParameters,
  versions: [10],
  mixesVersions: false,
  problemOf: overTypes('FM', new Set(['string', 'large_string'])),
  engineCall: () => ({ method: 'fm', options: {} }),
  byDefault: true,
  buildBytes: () => null,
  leastRows: 1,
  waitsForRows: false,
  proof: { by: 'conditions', of: 'substrings' },
};
