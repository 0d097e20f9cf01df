import { expect, test } from 'vitest';
import { carriesToken } from '../../../src/http/bearer-token.ts';

test('the token and no other is one, whatever its length', () => {
  const isFine = (authorization?: string) =>
    carriesToken(authorization === undefined ? {} : { authorization }, 'secret');
  expect(isFine('Bearer secret')).toBe(true);
  const wrong = [
    '',
    'secret',
    'bearer secret',
    'Bearer secre',
    'Bearer secrets',
    'Bearer ',
    'Basic secret',
    'Bearer é',
  ];
  expect(wrong.filter(isFine)).toEqual([]);
  expect(isFine()).toBe(false);
  expect(carriesToken({ authorization: 'Bearer pässwörd' }, 'pässwörd')).toBe(true);
});
