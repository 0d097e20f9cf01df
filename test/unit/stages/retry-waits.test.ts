import { lastValueFrom, toArray } from 'rxjs';
import { expect, test } from 'vitest';
import { createRetryWaits } from '../../../src/stages/retry-waits.ts';

test('a wait ends by itself, or as soon as that of its table is ended', async () => {
  const waits = createRetryWaits();
  expect(await lastValueFrom(waits.wait('db/t', 1).pipe(toArray()))).toHaveLength(1);
  let ended: string[] = [];
  const subscriptions = ['db/t', 'db/u'].map((table) => waits.wait(table, 1e9).subscribe(() => ended.push(table)));
  waits.end('db/other');
  expect(ended).toEqual([]);
  waits.end('db/t');
  waits.end('db/t');
  expect(ended).toEqual(['db/t']);
  for (const each of subscriptions) each.unsubscribe();
  ended = [];
  waits.end('db/u');
  expect(ended).toEqual([]);
});
