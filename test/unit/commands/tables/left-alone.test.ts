import { expect, test } from 'vitest';
import { formatLeft, leftFacts, leftToSay } from '../../../../src/commands/tables/left-alone.ts';
import { parseManifest } from '../../../../src/lance/codec/manifest.ts';
import type { LeftIndex } from '../../../../src/lance/plan/index-plan.ts';
import { surveyIndexes } from '../../../../src/lance/plan/index-plan.ts';
import { manifestFile, message } from '../../lance/manifest-fixture.ts';

const graph: LeftIndex = {
  ...{ name: 'v_idx', column: 'v', type: 'IVF_HNSW_SQ' },
  reason: { code: 'index_kind_by_name', message: 'only by name' },
};
const zones: LeftIndex = {
  ...{ name: 'zones_idx', column: null, type: 'ZoneMap' },
  reason: { code: 'index_kind_unsupported', message: 'of kind ZoneMap' },
};

test('an index that is kept when it is named says how', () => {
  expect(formatLeft([graph, zones])).toEqual([
    'v_idx  IVF_HNSW_SQ on v, left alone: index_kind_by_name: only by name. `segmentd index --column v --kind ivf_hnsw_sq` brings it up to date; tables.<id>.indexes lets the daemon keep it',
    'zones_idx  ZoneMap on no column of the table, left alone: index_kind_unsupported: of kind ZoneMap',
  ]);
  expect(leftFacts([graph])).toEqual([{ index: 'v_idx', code: 'index_kind_by_name', message: 'only by name' }]);
});

test('it is said where nothing is kept, and of the indexes that were named', () => {
  const details = message([1, '/lance.table.NGramIndexDetails']);
  const manifest = parseManifest(
    manifestFile({
      indexes: [
        { uuid: 1, details },
        { uuid: 2, name: 'name_idx', fields: [1] },
      ],
    }),
  );
  const survey = surveyIndexes(manifest, 'existing');
  expect(leftToSay(survey, 'existing')).toEqual([]);
  expect(leftToSay({ ...survey, served: [] }, 'existing')).toMatchObject([{ name: 'id_idx' }]);
  const wanted = [{ column: 'name' }, { column: 'shoe_size' }];
  expect(leftToSay(surveyIndexes(manifest, wanted), wanted)).toMatchObject([{ reason: { code: 'column_not_found' } }]);
});
