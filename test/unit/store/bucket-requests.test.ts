import { expect, onTestFinished, test, vi } from 'vitest';
import { SegmentdError } from '../../../src/lib/errors.ts';
import { bucketRequests } from '../../../src/store/bucket-requests.ts';
import type { StoreRequest } from '../../../src/store/store-request.ts';
import { memoryDriver } from './memory-driver.ts';

const MIB = 1024 * 1024;

function open(driver = memoryDriver()) {
  const told: StoreRequest[] = [];
  return { driver, told, requests: bucketRequests(driver, 'bucket', (request) => told.push(request)) };
}

test('a value, a missing object and a failure are three things', async () => {
  const { driver, requests, told } = open();
  const head = { operation: 'head', run: () => driver.head('a', new AbortController().signal) } as const;
  expect(await requests.find('look', head)).toBeNull();
  await driver.put('a', new Uint8Array(2), new AbortController().signal);
  expect(await requests.find('look', head)).toMatchObject({ bytes: 2 });
  driver.instead.set('head', ['failed', 'denied', 'throttled']);
  await expect(requests.find('look', head)).rejects.toMatchObject({ code: 'store_unavailable' });
  await expect(requests.must('look', head)).rejects.toMatchObject({ code: 'store_denied' });
  expect(await requests.ask(head)).toEqual({ kind: 'throttled', message: 'it was throttled' });
  expect(told.map(({ outcome }) => outcome)).toEqual(['missing', 'ok', 'failed', 'denied', 'throttled']);
});

test.each(['list', 'put', 'create', 'delete'] as const)(
  'where no object is asked for, as in a %s, the bucket is missing',
  async (operation) => {
    const { driver, requests, told } = open();
    driver.instead.set('head', ['missing']);
    const run = () => driver.head('a', new AbortController().signal);
    expect(await requests.ask({ operation, run })).toEqual({
      kind: 'failed',
      message: 'there is no bucket bucket: it was missing',
    });
    expect(told).toEqual([{ store: 's3', operation, outcome: 'failed' }]);
  },
);

test('an error of the SDK, which carries its request, is not the cause of ours', async () => {
  const { driver, requests } = open();
  driver.instead.set('put', ['denied']);
  const run = () => driver.put('a', new Uint8Array(), new AbortController().signal);
  const error: unknown = await requests.must('write it', { operation: 'put', run }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SegmentdError);
  expect(error).not.toHaveProperty('cause');
});

test('a driver that cannot begin makes no request', async () => {
  const { requests, told } = open();
  const run = () => Promise.reject(new SegmentdError('config_invalid', 'the file is gone'));
  await expect(requests.ask({ operation: 'get', run })).rejects.toMatchObject({ code: 'config_invalid' });
  expect(told).toEqual([]);
});

test.each([
  [0, 60],
  [64 * MIB, 124],
])('a request that sends %d bytes is given up after %d s, and is told to stop', async (bytes, seconds) => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { requests, told } = open();
  let heard: AbortSignal | undefined;
  const answer = requests.ask({
    operation: 'put',
    bytes,
    run: (_, signal) => {
      heard = signal;
      return new Promise<never>(() => undefined);
    },
  });
  await vi.advanceTimersByTimeAsync(seconds * 1_000 - 1);
  expect(heard?.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(heard?.aborted).toBe(true);
  expect(await answer).toEqual({ kind: 'failed', message: `no answer within ${seconds} s` });
  expect(told).toEqual([{ store: 's3', operation: 'put', outcome: 'failed' }]);
  expect(vi.getTimerCount()).toBe(0);
});
