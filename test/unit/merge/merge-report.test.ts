import { expect, test } from 'vitest';
import { parseManifest } from '../../../src/lance/codec/manifest.ts';
import { DEFAULT_POLICY } from '../../../src/lance/plan/row-ids.ts';
import { planMerges } from '../../../src/merge/merge-plan.ts';
import { reportFinished, reportPlan, reportStarted } from '../../../src/merge/merge-report.ts';
import { planMergeTo } from '../../../src/merge/policy/reduce-to.ts';
import type { Notification } from '../../../src/model.ts';
import { manifestFile, uuidText } from '../lance/manifest-fixture.ts';
import { tableRef, testContext } from '../stages/context-fixture.ts';
import { SETTINGS, segmented } from './merging-fixture.ts';

/** A table with two indexes of three and two segments, all of which are to become one each. */
function reported() {
  const { fragments = [], indexes = [] } = segmented(3, { missing: 1 });
  const second = [
    { uuid: 8, name: 'name_idx', fields: [1], fragments: [0, 1] },
    { uuid: 9, name: 'name_idx', fields: [1], fragments: [2, 3] },
  ];
  const manifest = parseManifest(manifestFile({ version: 7, fragments, indexes: [...indexes, ...second] }));
  const plan = planMerges(manifest, DEFAULT_POLICY, (segments) => planMergeTo(segments, 1));
  const notices: Notification[] = [];
  const context = testContext({ notify: (notice) => notices.push(notice) });
  const lines = (event: string) => context.lines.filter((it) => it.event === event);
  return { manifest, plan, context, notices, lines, table: tableRef('a') };
}

test('a plan is reported with the segments of each tier and of each index', () => {
  const { manifest, plan, context, lines, table } = reported();
  reportPlan(context, table, plan, manifest, SETTINGS);
  expect(lines('mergesPlanned')).toMatchObject([{ table: 'lake/a', pending: 2, tiers: { 0: 0, 3: 5, mature: 0 } }]);
  expect(lines('planned')).toMatchObject([
    {
      version: 7,
      outcome: 'merges',
      indexes: [
        { name: 'id_idx', segments: 3, missingFragments: 1 },
        { name: 'name_idx', segments: 2, missingFragments: 0, lagSeconds: 0 },
      ],
    },
  ]);
});

test('the start of each merge is reported', () => {
  const { plan, context, lines, table } = reported();
  reportStarted(context, table, plan);
  expect(lines('mergeStarted')).toMatchObject([
    { index: 'id_idx', segments: 3, rows: 300, reason: 'asked' },
    { index: 'name_idx', segments: 2, rows: 400, reason: 'asked' },
  ]);
});

test('merges that landed are reported together, with a notification that names what each segment replaced', () => {
  const { plan, context, lines, notices, table } = reported();
  const segments = plan.requests.map((request, at) => ({
    segment: { ...request, uuid: uuidText(20 + at), files: [], folder: '', buildMs: 1, metadata: new Uint8Array() },
    fragments: [...request.fragments],
    siblings: [],
  }));
  reportFinished(context, table, plan, {
    ...{ kind: 'landed', version: 8, transactionUuid: 'tx', segments, bytes: 50 },
    ...{ buildMs: 1_500, commitMs: 250, attempts: 1 },
  });
  expect(lines('mergeFinished')).toMatchObject([
    { outcome: 'landed', segmentsIn: 5, segmentsOut: 2, rows: 700, bytesOut: 50, seconds: 1.75 },
  ]);
  expect(notices).toEqual([
    {
      ...{ type: 'segment.merged', table: 'lake/a', version: 8, transaction: 'tx', duration_ms: 250 },
      segments: [
        { index: 'id_idx', uuid: uuidText(20), fragments: [0, 1, 2], rows: 300, replaced: [1, 2, 3].map(uuidText) },
        { index: 'name_idx', uuid: uuidText(21), fragments: [0, 1, 2, 3], rows: 400, replaced: [8, 9].map(uuidText) },
      ],
    },
  ]);
});

test('merges that did not land are reported with what they were to replace, without a notification', () => {
  const { plan, context, lines, notices, table } = reported();
  reportFinished(context, table, plan, { kind: 'rejected', cause: 'input_gone' });
  reportFinished(context, table, plan, null);
  const nothing = { segmentsIn: 5, segmentsOut: 0, rows: 0, bytesOut: 0, seconds: 0 };
  expect(lines('mergeFinished')).toMatchObject([
    { outcome: 'rejected', cause: 'input_gone', ...nothing },
    { outcome: 'failed', ...nothing },
  ]);
  expect(notices).toEqual([]);
});
