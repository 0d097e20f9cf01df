import { expect, test } from 'vitest';
import { outcomeOf, refusalOf, tokenOf } from '../../../src/page/command-words.js';

const merges = [
  { index: 'id_idx', segments: 4, rows: 130_000 },
  { index: 'text_idx', segments: 2, rows: 1 },
];
const compaction = { fragments_removed: 40, fragments_added: 1 };
const split = [{ segments: [1, 2] }];

test.each([
  ['merge', { outcome: 'begun', merges }, 'begun: 4 segments of id_idx, 130,000 rows; 2 segments of text_idx, 1 row'],
  [
    'merge',
    { outcome: 'sent', merges: merges.slice(1) },
    'sent to the member that owns the table: 2 segments of text_idx, 1 row',
  ],
  ['merge', { outcome: 'under_way', merges }, 'already under way, as it was asked for before'],
  ['merge', { outcome: 'nothing_due', merges: [] }, 'nothing to merge: no index has more than one segment'],
  ['optimize', { outcome: 'begun', compaction }, 'begun: about 40 fragments become 1'],
  [
    'optimize',
    { outcome: 'waits', compaction },
    'waits until the indexes cover the table, then: about 40 fragments become 1',
  ],
  ...([
    [
      'optimize',
      { outcome: 'begun', compaction: { fragments_removed: 0, fragments_added: 0 } },
      'begun: no fragments to compact, only old versions to clean up',
    ],
  ] as const),
] as const)('%s says in words: %o', (command, work, words) => {
  expect(outcomeOf(command, { work, indexes: [{ segments: [1] }] })).toEqual({ text: words, mayMergeToOne: false });
});

test('where the policy lets segments stay, a merge to one is offered', () => {
  expect(outcomeOf('merge', { work: { outcome: 'nothing_due', merges: [] }, indexes: split })).toEqual({
    text: 'nothing to merge: the merge policy lets the segments stay as they are',
    mayMergeToOne: true,
  });
  expect(outcomeOf('merge', { work: { outcome: 'begun', merges }, indexes: split }).mayMergeToOne).toBe(false);
});

test('the other commands say what holds now, and only that', () => {
  const said = (command: string, paused?: boolean) => outcomeOf(command, { paused }).text;
  expect([said('pause', true), said('resume', false), said('pause', false), said('resume', true)]).toEqual([
    ...['paused; its events wait, nothing is lost', 'resumed; what waited is worked on now', 'asked for', 'asked for'],
  ]);
  expect(said('refresh', false)).toBe('asked for: it is read and planned as soon as it is idle');
});

test('a refusal has its code, its message and its hint', () => {
  expect(refusalOf(409, { code: 'table_paused', error: 'db/t is paused', hint: 'Resume it.' })).toBe(
    'refused, table_paused: db/t is paused. Resume it.',
  );
  expect(refusalOf(502, {})).toBe('refused, HTTP 502');
});

test('a token loses spaces around it, and has nothing that a header cannot carry', () => {
  expect([' secret \n', 'let me in', 'tökén€', 'ö', 'a\nb', '  '].map(tokenOf)).toEqual([
    ...['secret', 'let me in', null, null, null, null],
  ]);
});
