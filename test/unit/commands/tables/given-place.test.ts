import { expect, test } from 'vitest';
import { addressOf, isPlace, placeNote } from '../../../../src/commands/tables/given-place.ts';

test.each([
  ['data/events.lance', '/work/data/events.lance'],
  ['events.lance/', '/work/events.lance'],
  ['./lake/events', '/work/lake/events'],
  ['../x.lance', '/x.lance'],
  ['a/b/c', '/work/a/b/c'],
  ['/lake//events.lance', '/lake/events.lance'],
  ['file:///lake/events.lance', '/lake/events.lance'],
  ['S3://bucket/events.lance', 's3://bucket/events.lance'],
])('%s is the place %s', (given, place) => {
  expect([isPlace(given), addressOf(given, '/work')]).toEqual([true, place]);
});

test.each(['lake', 'lake/events', 'lake/ns$events', 'lake/.events'])('%s is a name, and stays as it is', (given) => {
  expect([isPlace(given), addressOf(given, '/work')]).toEqual([false, given]);
});

test('a note tells how a relative path was read, and what may have been meant', () => {
  const note = (given: string, databases?: string[]) => placeNote(given, `/work/${given}`, databases);
  expect(note('lake/events.lance', ['lake'])).toBe(
    'lake/events.lance is the path /work/lake/events.lance, since it ends in .lance; ' +
      'the table of the database lake is written lake/events',
  );
  expect(note('data/events.lance', ['lake'])).toBe('data/events.lance is the path /work/data/events.lance');
  expect(note('data/events', ['lake'])).toBe('data/events is the path /work/data/events');
  for (const name of ['lake', 'lake/events']) expect(note(name)).toContain('need a configuration: give -c');
  for (const path of ['lake/events.lance', './lake', 'a/b/c'])
    expect(note(path)).toBe(`${path} is the path /work/${path}`);
  for (const plain of ['/lake', 's3://bucket/t.lance', 'file:///lake']) expect(note(plain, [])).toBeUndefined();
});
