import { defer, lastValueFrom, of, throwError } from 'rxjs';
import { expect, test } from 'vitest';
import { SegmentdError } from '../../../src/lib/errors.ts';
import { retryLater } from '../../../src/stages/retry.ts';
import { passing, tableRef, testKit } from './context-fixture.ts';

/** Work that fails with these errors, one after the other, before it succeeds. */
const failing = (errors: unknown[]) =>
  defer(() => {
    const error = errors.shift();
    return error === undefined ? of('done') : throwError(() => error);
  });

type Failure = { readonly table: string; readonly error: SegmentdError };

test('what may pass is tried again until it does, and each failure is told', async () => {
  const context = testKit();
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

test.each<[string, unknown]>([
  ['an error of the kind never', new SegmentdError('internal', 'bug')],
  ['anything that is no SegmentdError', new TypeError('bug')],
])('%s is not tried again', async (_name, error) => {
  const errors = [error];
  await expect(lastValueFrom(failing(errors).pipe(retryLater(testKit(), tableRef('t'))))).rejects.toBe(error);
});
