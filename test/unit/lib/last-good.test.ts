import { expect, test } from 'vitest';
import { lastGood } from '../../../src/lib/last-good.ts';

test('a value is read at each use, and the last one stays while it cannot be', () => {
  let content: string | null = 'old';
  const failures: unknown[] = [];
  const read = () => {
    if (content === null) throw new Error('ENOENT');
    return content;
  };
  const value = lastGood(read, (error) => failures.push(error));
  expect(value()).toBe('old');
  content = 'new';
  expect(value()).toBe('new');
  content = null;
  expect([value(), value()]).toEqual(['new', 'new']);
  expect(failures).toEqual([new Error('ENOENT')]);
  content = 'newer';
  expect(value()).toBe('newer');
  content = null;
  expect(value()).toBe('newer');
  expect(failures).toHaveLength(2);
});

test('a value that cannot be read at first is an error', () => {
  const unreadable = () => {
    throw new Error('ENOENT');
  };
  expect(() => lastGood(unreadable, () => undefined)).toThrow('ENOENT');
});
