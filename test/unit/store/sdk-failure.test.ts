import { expect, test } from 'vitest';
import { failureFrom, fieldOf, numberOf, saidBy, textOf } from '../../../src/store/sdk-failure.ts';

test.each([
  ['NotFound', 404, 'missing'],
  ['NoSuchKey', 404, 'missing'],
  ['PreconditionFailed', 412, 'taken'],
  ['ConditionalRequestConflict', 409, 'taken'],
  ['BlobAlreadyExists', 409, 'taken'],
  ['AccessDenied', 403, 'denied'],
  ['Unauthorized', 401, 'denied'],
  ['ExpiredToken', 400, 'denied'],
  ['CredentialsProviderError', undefined, 'denied'],
  ['SlowDown', 503, 'throttled'],
  ['TooManyRequests', 429, 'throttled'],
  ['NotImplemented', 501, 'unfit'],
  ['InternalError', 500, 'failed'],
  ['BadGateway', 502, 'failed'],
  ['InvalidArgument', 400, 'failed'],
  ['ECONNRESET', undefined, 'failed'],
  ['NoSuchBucket', 404, 'failed'],
  ['ContainerNotFound', 404, 'failed'],
  ['ContainerBeingDeleted', 409, 'failed'],
] as const)('%s with status %s is %s', (code, status, kind) => {
  expect(failureFrom({ code, status, message: 'text' }, 'bucket').kind).toBe(kind);
});

test('a message has the code, the status and what the store said; the bucket where that is the trouble', () => {
  const said = (code: string, status: number | undefined) =>
    failureFrom({ code, status, message: 'Text.' }, 'bkt').message;
  expect(said('AccessDenied', 403)).toBe('AccessDenied (403): Text.');
  expect(said('ECONNREFUSED', undefined)).toBe('ECONNREFUSED: Text.');
  expect(said('NoSuchBucket', 404)).toBe('bkt: NoSuchBucket (404): Text.');
});

test.each([
  ['to https://a.blob.core.windows.net/c/b?sv=1&sig=SECRET failed', 'to https://a.blob.core.windows.net/c/b failed'],
  ['GET "https://host/b?X-Amz-Signature=SECRET", failed', 'GET "https://host/b", failed'],
  ['through http://user:SECRET@proxy:3128/', 'through http://proxy:3128/'],
  ['first line\nAuthorization: SECRET', 'first line'],
])('nothing secret is said: %s', (message, shown) => {
  expect(failureFrom({ code: 'X', status: 1, message }, 'b').message).toBe(`X (1): ${shown}`);
});

test('a long message is cut', () => {
  expect(failureFrom({ code: 'X', status: 1, message: 'x'.repeat(1_000) }, 'b').message).toBe(
    `X (1): ${'x'.repeat(300)}`,
  );
});

test('an error to several addresses says what the first said', () => {
  expect(saidBy(new AggregateError([new Error('connect ECONNREFUSED ::1:1'), new Error('other')], ''))).toBe(
    'connect ECONNREFUSED ::1:1',
  );
  expect(saidBy(new Error('plain'))).toBe('plain');
  expect([saidBy({}), saidBy(undefined), saidBy('text')]).toEqual(Array(3).fill('no reason was given'));
});

test('fields are taken only for what they are', () => {
  const error = { code: 'X', status: 404, empty: '' };
  expect([fieldOf(error, 'code'), fieldOf(null, 'code'), fieldOf('text', 'length')]).toEqual([
    'X',
    undefined,
    undefined,
  ]);
  expect([textOf(error, 'code'), textOf(error, 'status'), textOf(error, 'empty')]).toEqual(['X', undefined, undefined]);
  expect([numberOf(error, 'status'), numberOf(error, 'code')]).toEqual([404, undefined]);
});
