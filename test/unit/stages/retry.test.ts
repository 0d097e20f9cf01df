import { defer, lastValueFrom, of, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { SegmentdError } from '../../../src/lib/errors.ts';
import { endRound, requeue, retryLater } from '../../../src/stages/retry.ts';
import { batchOf, passing, pendingEvent, tableRef, testContext } from './context-fixture.ts';

/** Work that fails with these errors, one after the other, before it succeeds. */
const failing = (errors: unknown[]) =>
  defer(() => {
    const error = errors.shift();
    return error === undefined ? of('done') : throwError(() => error);
  });

type Failure = { readonly table: string; readonly error: SegmentdError };

test('a temporary failure is retried until it passes, and each failure is logged', async () => {
  const context = testContext();
  const errors = [passing('one'), new SegmentdError('build_stale', 'two'), passing('three')];
  const told: string[] = [];
  const telemetry = {
    ...context.telemetry,
    workFailed: ({ table, error }: Failure) => void told.push(`${table} ${error.message}`),
  };
  const work = failing(errors).pipe(retryLater({ ...context, telemetry }, tableRef('t')));
  expect(await lastValueFrom(work)).toBe('done');
  expect(told).toEqual(['lake/t one', 'lake/t two', 'lake/t three']);
});

test('a refresh by an operator ends the wait for the next try', async () => {
  const context = testContext();
  const settings = { ...context.settings, retry: { initialMs: 1e9, maxMs: 1e9 } };
  const failed = Promise.withResolvers<void>();
  const telemetry = { ...context.telemetry, workFailed: () => failed.resolve() };
  const work = failing([passing()]).pipe(retryLater({ ...context, settings, telemetry }, tableRef('t')));
  const done = lastValueFrom(work);
  await failed.promise;
  await new Promise((resolve) => setImmediate(resolve));
  context.retryWaits.end('lake/t');
  expect(await done).toBe('done');
});

test.each<[string, unknown]>([
  ['an error of the kind never', new SegmentdError('internal', 'bug')],
  ['anything that is no SegmentdError', new TypeError('bug')],
])('%s is not tried again', async (_name, error) => {
  const errors = [error];
  await expect(lastValueFrom(failing(errors).pipe(retryLater(testContext(), tableRef('t'))))).rejects.toBe(error);
});

test('a batch is requeued with its records, counted, and the cause is logged', () => {
  const context = testContext();
  const batch = batchOf([pendingEvent(0)], { replanCount: 2 });
  expect(requeue(context, batch, 'nothing_left')).toEqual({ kind: 'requeue', batch: { ...batch, replanCount: 3 } });
  expect(context.lines).toMatchObject([{ event: 'replanned', table: 'lake/t', cause: 'nothing_left' }]);
});

test('after five rounds without progress it waits like work that failed', () => {
  const around = (replanCount: number) => () =>
    requeue(testContext(), batchOf([pendingEvent(0)], { replanCount: replanCount }), 'input_gone');
  expect(around(4)).not.toThrow();
  expect(around(5)).toThrow(expect.objectContaining({ code: 'build_stale', retry: 'after-reload' }));
});

describe('a round ends', () => {
  const end = (error: unknown) =>
    lastValueFrom(throwError(() => error).pipe(endRound(testContext(), batchOf([pendingEvent(0)]))));

  test('as declined when the table cannot be served', async () => {
    const error = new SegmentdError('table_unreadable', 'damaged');
    expect(await end(error)).toMatchObject({ kind: 'declined', error });
  });

  test('and begins anew when the table is gone: its events wait for it as for a version', async () => {
    expect(await end(new SegmentdError('table_not_found', 'dropped'))).toMatchObject({ kind: 'requeue' });
  });

  test.each([
    ['what may pass', passing()],
    ['a bug', new SegmentdError('internal', 'bug')],
    ['a broker that refuses', new SegmentdError('broker_denied', 'no')],
    ['anything else', new TypeError('bug')],
  ])('with %s as it was', async (_name, error) => {
    await expect(end(error)).rejects.toBe(error);
  });
});
