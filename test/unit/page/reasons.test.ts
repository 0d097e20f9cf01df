import { expect, test } from 'vitest';
import { docsLink, reasonsOf } from '../../../src/page/reasons.js';

const none = { declined: null, failure: null, left_alone: [], docs: null };

test('a link names the paragraph by anchor and by heading, and cannot lead elsewhere', () => {
  expect(docsLink('errors.md#table_unreadable')).toBe(
    '/docs/errors.md#table_unreadable:~:text=%23%23%23%20table_unreadable',
  );
  expect(docsLink('operating.md')).toBe('/docs/operating.md');
  expect(docsLink('//evil.example/x#a-b')).toBe('/docs/%2F%2Fevil.example%2Fx#a-b:~:text=%23%23%23%20a%2Db');
});

test('the reason of the state comes first, with the link that the daemon gives; the others have theirs', () => {
  const left = { index: 'old_idx', code: 'index_kind_unsupported' as const, message: 'NGRAM' };
  const failure = {
    code: 'store_unavailable' as const,
    message: 'no answer',
    count: 2,
    next_try_at: '2026-01-02T03:04:05Z',
  };
  const reasons = reasonsOf({ ...none, failure, left_alone: [left], docs: 'runbook.md#store' });
  expect(reasons.map(({ code, subject }) => [code, subject])).toEqual([
    ['store_unavailable', ''],
    ['index_kind_unsupported', 'old_idx'],
  ]);
  expect(reasons.map(({ link }) => link.split(':~:')[0])).toEqual([
    '/docs/runbook.md#store',
    '/docs/errors.md#index_kind_unsupported',
  ]);
});

test('a table that is served has none', () => {
  expect(reasonsOf(none)).toEqual([]);
});
