import { from, lastValueFrom, of } from 'rxjs';
import { expect, test } from 'vitest';
import { asyncLimit } from '../../src/lib/async-limit.ts';
import { inSlot } from '../../src/pipeline.ts';
import { testContext } from './stages/context-fixture.ts';

test('no more run at once than there are places', async () => {
  const context = testContext({ slots: asyncLimit(2) });
  let [running, most] = [0, 0];
  const work = async (value: number) => {
    most = Math.max(most, ++running);
    await new Promise<void>((resolve) => setImmediate(resolve));
    running -= 1;
    return value;
  };
  const results = [1, 2, 3, 4, 5].map((value) =>
    lastValueFrom(of(value).pipe(inSlot(context, (it) => from(work(it))))),
  );
  expect(await Promise.all(results)).toEqual([1, 2, 3, 4, 5]);
  expect(most).toBe(2);
});

test('work that has begun runs to its end without a subscriber, and its slot is busy until then', async () => {
  const context = testContext({ slots: asyncLimit(1) });
  const gate = Promise.withResolvers<number>();
  let ended = false;
  const work = async () => {
    await gate.promise;
    ended = true;
    return 1;
  };
  const subscription = of(1)
    .pipe(inSlot(context, () => from(work())))
    .subscribe();
  subscription.unsubscribe();
  const idle = context.slots.idle();
  gate.resolve(1);
  await idle;
  expect(ended).toBe(true);
});

test('nothing begins after the signal to stop', async () => {
  let began = false;
  const context = testContext({ signal: AbortSignal.abort(new Error('stopping')) });
  const work = of(1).pipe(
    inSlot(context, () => {
      began = true;
      return of(1);
    }),
  );
  await expect(lastValueFrom(work)).rejects.toThrow('stopping');
  expect(began).toBe(false);
});
