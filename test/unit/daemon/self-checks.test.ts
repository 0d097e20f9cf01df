import { describe, expect, test, vi } from 'vitest';
import type { SelfCheckParts } from '../../../src/daemon/self-checks.ts';
import { SelfChecks } from '../../../src/daemon/self-checks.ts';
import { decodeIndexMetadata } from '../../../src/lance/codec/index-metadata.ts';
import type { FreshCheck } from '../../../src/lance/inspect/check-fresh.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import { indexEntry } from '../lance/manifest-fixture.ts';
import { tableRef, testContext } from '../stages/context-fixture.ts';

const RIGHT: FreshCheck = { kind: 'checked', answers: 6, leftOut: 0, wrong: [] };
const SEGMENT = decodeIndexMetadata(indexEntry({ uuid: 7, fragments: [1, 2] }));
const WRONG: FreshCheck = {
  ...{ kind: 'checked', answers: 6, leftOut: 0 },
  wrong: [{ index: 'id_idx', wrong: [{ key: '`id` = 7', expected: 1, found: 0 }], segments: [SEGMENT] }],
};

type Asked = { readonly table: string; readonly version: number; readonly seed: number; readonly samples: number };

/** Checks whose answers are given one after the other; the last one again and again. */
function checking(answers: readonly (FreshCheck | Error | Promise<FreshCheck>)[], more: Partial<SelfCheckParts> = {}) {
  const context = testContext();
  const asked: Asked[] = [];
  const kept: object[] = [];
  const paused: string[] = [];
  const checks = new SelfChecks({
    settings: () => ({ every: 1, samples: 5 }),
    check: async ({ id }, { version }, { seed, samples }) => {
      const answer = answers[Math.min(asked.length, answers.length - 1)] as (typeof answers)[number];
      asked.push({ table: id, version, seed, samples });
      if (answer instanceof Error) throw answer;
      return answer;
    },
    isPaused: (id) => paused.includes(id),
    pause: ({ id }) => paused.push(id),
    evidence: {
      keep: async (it) => {
        kept.push(it);
        return `/evidence/${kept.length}.json`;
      },
    },
    ...{ telemetry: context.telemetry, member: 'me@here:1', signal: new AbortController().signal },
    random: () => 0.25,
    ...more,
  });
  const lines = (event: string) => context.lines.filter((line) => line.event === event);
  return {
    ...{ asked, kept, paused, lines },
    land: (name: string, version: number) => checks.landed(tableRef(name), version, [SEGMENT.uuid]),
    outcomes: () => lines('selfChecked').map(({ table, version, outcome }) => [table, version, outcome]),
  };
}

describe('which commits are checked', () => {
  test('each n-th of a table, and none of one that is off or paused', async () => {
    const every: Record<string, number> = { 'lake/a': 3, 'lake/b': 1, 'lake/off': 0, 'lake/paused': 1 };
    const it = checking([RIGHT], { settings: (id) => ({ every: every[id] ?? 0, samples: 5 }) });
    it.paused.push('lake/paused');
    for (const version of [1, 2, 3, 4, 5, 6, 7]) {
      for (const name of ['a', 'off', 'paused', ...(version < 3 ? ['b'] : [])]) it.land(name, version);
      await vi.waitFor(() => expect(it.outcomes().length).toBe(it.asked.length));
    }
    const outcomes = it.outcomes();
    expect(outcomes).toContainEqual(['lake/a', 3, 'right']);
    expect(outcomes.filter(([table]) => table === 'lake/a')).toHaveLength(2);
    expect(outcomes.filter(([table]) => table === 'lake/b')).toHaveLength(2);
    expect(new Set(outcomes.map(([table]) => table))).toEqual(new Set(['lake/a', 'lake/b']));
    expect(it.asked[0]).toMatchObject({ samples: 5 });
  });

  test('one at a time, of each table the newest, and no more than may wait', async () => {
    const gate = Promise.withResolvers<FreshCheck>();
    const it = checking([gate.promise, RIGHT]);
    it.land('running', 1);
    for (let at = 0; at < 32; at++) it.land(`t${at}`, 1);
    it.land('t0', 2);
    it.land('late', 1);
    expect(it.asked).toHaveLength(1);
    expect(it.outcomes()).toEqual([
      ['lake/t0', 1, 'skipped'],
      ['lake/late', 1, 'skipped'],
    ]);
    gate.resolve(RIGHT);
    await vi.waitFor(() => expect(it.asked).toHaveLength(33));
    expect(it.asked.filter(({ table }) => table === 'lake/t0')).toMatchObject([{ version: 2 }]);
  });
});

describe('a wrong answer', () => {
  test('is asked for twice, pauses the table, and is kept as evidence, which the log names without a key', async () => {
    const it = checking([WRONG]);
    it.land('a', 7);
    await vi.waitFor(() => expect(it.lines('answerWrong')).toHaveLength(1));
    expect(it.asked.map(({ seed }) => seed)).toEqual([2 ** 29, 2 ** 29]);
    expect(it.paused).toEqual(['lake/a']);
    expect(it.lines('answerWrong')[0]).toMatchObject({
      ...{ table: 'lake/a', version: 7, index: 'id_idx', wrong: 1, evidence: '/evidence/1.json' },
    });
    expect(JSON.stringify(it.lines('answerWrong'))).not.toContain('`id` = 7');
    expect(it.kept).toMatchObject([
      {
        ...{ schema: 1, table: 'lake/a', uri: '/lake/a.lance', version: 7, index: 'id_idx', member: 'me@here:1' },
        ...{ samples: 5, seed: 2 ** 29, wrong_answers: 1 },
        answers: [{ key: '`id` = 7', expected_rows: 1, found_rows: 0 }],
        segments: [{ uuid: SEGMENT.uuid, fragments: [1, 2], entry: Buffer.from(SEGMENT.raw).toString('base64') }],
      },
    ]);
  });

  test('pauses the table though its evidence cannot be kept', async () => {
    const keep = () => Promise.reject(new Error('ENOSPC'));
    const it = checking([WRONG], { evidence: { keep } });
    it.land('a', 7);
    await vi.waitFor(() => expect(it.lines('answerWrong')).toMatchObject([{ evidence: null }]));
    expect(it.paused).toEqual(['lake/a']);
    expect(it.lines('evidenceLost')).toMatchObject([{ table: 'lake/a', code: 'evidence_unwritable' }]);
  });

  test('that is right when it is asked for again pauses nothing', async () => {
    const it = checking([WRONG, RIGHT]);
    it.land('a', 7);
    await vi.waitFor(() => expect(it.lines('selfCheckFailed')).toMatchObject([{ code: 'check_failed' }]));
    expect([it.paused, it.kept]).toEqual([[], []]);
  });

  test('whose version is gone by then pauses nothing', async () => {
    const it = checking([WRONG, { kind: 'moved' }]);
    it.land('a', 7);
    await vi.waitFor(() => expect(it.outcomes()).toEqual([['lake/a', 7, 'moved']]));
    expect(it.paused).toEqual([]);
  });
});

describe('a check that is not made', () => {
  test.each([
    ['fails', new Error('LanceError(IO)'), 'check_failed'],
    ['meets a store that does not answer', new SegmentdError('store_unavailable', 'no'), 'store_unavailable'],
  ])('because it %s pauses nothing, and the next one is made', async (_, error, code) => {
    const it = checking([error, RIGHT]);
    it.land('a', 7);
    await vi.waitFor(() => expect(it.lines('selfCheckFailed')).toMatchObject([{ table: 'lake/a', version: 7, code }]));
    it.land('a', 8);
    await vi.waitFor(() => expect(it.outcomes()).toEqual([['lake/a', 8, 'right']]));
    expect(it.paused).toEqual([]);
  });

  test('because its segments are too large, or their version is gone, is counted as that', async () => {
    const it = checking([{ ...RIGHT, answers: 0, leftOut: 1 }, { kind: 'moved' }]);
    it.land('a', 7);
    await vi.waitFor(() => expect(it.outcomes()).toHaveLength(1));
    it.land('a', 8);
    await vi.waitFor(() =>
      expect(it.outcomes()).toEqual([
        ['lake/a', 7, 'skipped'],
        ['lake/a', 8, 'moved'],
      ]),
    );
  });

  test('because it takes too long is told, and no other one begins before its query has ended', async () => {
    const gate = Promise.withResolvers<FreshCheck>();
    const it = checking([gate.promise, RIGHT], { timeoutMs: 1 });
    it.land('a', 7);
    it.land('b', 1);
    await vi.waitFor(() => expect(it.lines('selfCheckFailed')).toMatchObject([{ table: 'lake/a' }]));
    expect(it.asked).toHaveLength(1);
    // Too late to count.
    gate.resolve(WRONG);
    await vi.waitFor(() => expect(it.outcomes()).toEqual([['lake/b', 1, 'right']]));
    expect(it.paused).toEqual([]);
  });

  test('because the process ends is not told', async () => {
    const stopping = new AbortController();
    const gate = Promise.withResolvers<FreshCheck>();
    const it = checking([gate.promise], { signal: stopping.signal });
    it.land('a', 7);
    it.land('b', 1);
    stopping.abort();
    gate.reject(new Error('closed'));
    await gate.promise.catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    expect([it.asked.length, it.lines('selfCheckFailed'), it.outcomes()]).toEqual([1, [], []]);
  });
});
