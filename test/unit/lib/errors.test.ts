import { expect, test } from 'vitest';
import { asSegmentdError, ERRORS, errnoOf, messageOf, SegmentdError } from '../../../src/lib/errors.ts';

test('an error carries what its code says about trying again, the exit and the way out', () => {
  const error = new SegmentdError('store_full', 'cannot write x', { cause: 'ENOSPC' });
  expect(error).toMatchObject({ code: 'store_full', ...ERRORS.store_full, message: 'cannot write x', cause: 'ENOSPC' });
});

test('wrapping keeps a SegmentdError as it is and makes a bug of anything else', () => {
  const error = new SegmentdError('usage', 'wrong');
  expect(asSegmentdError(error, 'store_denied')).toBe(error);
  const cause = new TypeError('x is undefined');
  expect(asSegmentdError(cause)).toMatchObject({ code: 'internal', message: 'x is undefined', cause });
  expect(asSegmentdError('text', 'build_failed')).toMatchObject({ code: 'build_failed', message: 'text' });
});

test('reads the errno of system errors only', () => {
  expect(errnoOf(Object.assign(new Error('no'), { code: 'ENOENT' }))).toBe('ENOENT');
  expect(
    [new Error('no'), { code: 'ENOENT' }, null, 'ENOENT', Object.assign(new Error('no'), { code: 7 })].map(errnoOf),
  ).toEqual(Array.from({ length: 5 }, () => undefined));
});

test('anything thrown has a message', () => {
  expect([new Error('a'), 'b', undefined].map(messageOf)).toEqual(['a', 'b', 'undefined']);
});

test('bad events, declined tables and mistakes of the person at the keyboard are never tried again', () => {
  for (const [code, { retry, hint }] of Object.entries(ERRORS)) {
    if (/^(event|table|column|index|config)_|^usage$|^store_unfit$/.test(code))
      expect({ code, retry }).toEqual({ code, retry: 'never' });
    else if (/^(build|commit|store|kafka)_/.test(code)) expect({ code, retry }).not.toEqual({ code, retry: 'never' });
    expect(hint).toMatch(/\.$/);
  }
});
