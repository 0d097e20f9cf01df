import { expect, test } from 'vitest';
import { parseManifest } from '../../../../src/lance/codec/manifest.ts';
import { surveyIndexes } from '../../../../src/lance/plan/index-plan.ts';
import { manifestFile, message } from '../manifest-fixture.ts';

const bitmapDetails = (value: Uint8Array | string) => message([1, '/lance.table.BitmapIndexDetails'], [2, value]);

test.each([
  ['say more than is known', message([99, 1]), 'index "few_idx": its details have a field 99 that is not known here'],
  ['are no message', Uint8Array.of(0xff), 'the details of index "few_idx" cannot be read'],
])('an index whose details %s is named in the reason', (_, value, reason) => {
  const indexes = [{ uuid: 1 }, { uuid: 2, name: 'few_idx', details: bitmapDetails(value) }];
  const { left } = surveyIndexes(parseManifest(manifestFile({ indexes })), 'existing');
  expect(left).toMatchObject([{ name: 'few_idx', reason: { code: 'index_parameters_unknown', message: reason } }]);
});
