import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { SegmentdError } from '../../../src/lib/errors.ts';
import type { ProbedStore } from '../../../src/store/condition-probe.ts';
import { proveCondition } from '../../../src/store/condition-probe.ts';

type Outcome = 'created' | 'exists' | SegmentdError;

/** A database whose creations end like this, one after the other. */
function probed(...outcomes: Outcome[]) {
  const calls: string[] = [];
  let removal: SegmentdError | undefined;
  const store: ProbedStore = {
    root: 's3://bucket/lake',
    async create(name) {
      calls.push(`create ${name}`);
      const outcome = outcomes.shift() ?? 'created';
      if (outcome instanceof SegmentdError) throw outcome;
      return outcome;
    },
    async remove(name) {
      calls.push(`remove ${name}`);
      if (removal) throw removal;
    },
  };
  return {
    store,
    identity: randomUUID(),
    calls,
    failRemoval: (error: SegmentdError) => {
      removal = error;
    },
  };
}

const unavailable = new SegmentdError('store_unavailable', 'no answer');
const denied = new SegmentdError('store_denied', 'no');

test('a store that creates once is fit, and is asked once', async () => {
  const { store, identity, calls } = probed('created', 'exists');
  await Promise.all([proveCondition(identity, store), proveCondition(identity, store)]);
  await proveCondition(identity, store);
  const name = calls[0]?.slice('create '.length);
  expect(name).toMatch(/^\.segmentd-probe-[-0-9a-f]{36}$/);
  expect(calls).toEqual([`create ${name}`, `create ${name}`, `remove ${name}`]);
});

test('another database is asked anew', async () => {
  const first = probed('created', 'exists');
  const second = probed('created', 'exists');
  await proveCondition(first.identity, first.store);
  await proveCondition(second.identity, second.store);
  expect(second.calls).toHaveLength(3);
});

test('a store that creates twice is unfit, and the object is removed', async () => {
  const { store, identity, calls } = probed('created', 'created');
  await expect(proveCondition(identity, store)).rejects.toMatchObject({
    code: 'store_unfit',
    message: expect.stringMatching(/^s3:\/\/bucket\/lake: the store overwrites/),
  });
  expect(calls.at(-1)).toMatch(/^remove /);
});

test('a store where the first creation finds something is out of order', async () => {
  const { store, identity } = probed('exists', 'exists');
  await expect(proveCondition(identity, store)).rejects.toMatchObject({ code: 'store_unavailable' });
});

describe('a probe that failed', () => {
  test.each([
    [[unavailable], 2],
    [['created', unavailable], 3],
  ] as [Outcome[], number][])('%j is done again, and removes what may be there', async (outcomes, calls) => {
    const probe = probed(...outcomes, 'created', 'exists');
    await expect(proveCondition(probe.identity, probe.store)).rejects.toBe(unavailable);
    expect(probe.calls).toHaveLength(calls);
    expect(probe.calls.at(-1)).toMatch(/^remove /);
    await proveCondition(probe.identity, probe.store);
  });

  test('says what was wrong first, though the object cannot be removed either', async () => {
    const probe = probed('created', unavailable);
    probe.failRemoval(denied);
    await expect(proveCondition(probe.identity, probe.store)).rejects.toBe(unavailable);
  });

  test('is one also where nothing may be removed: a commit that fails would leave its files', async () => {
    const probe = probed('created', 'exists');
    probe.failRemoval(denied);
    await expect(proveCondition(probe.identity, probe.store)).rejects.toBe(denied);
  });
});
