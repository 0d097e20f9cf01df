import { describe, expect, onTestFinished, test } from 'vitest';
import type { NextRun } from '../../../src/merge/table-queue.ts';
import { TableQueue } from '../../../src/merge/table-queue.ts';
import { tableRef } from '../stages/context-fixture.ts';

const REQUESTED: NextRun = { when: 'requested' };
const AGAIN: NextRun = { when: 'again' };
const later = (afterMs: number): NextRun => ({ when: 'later', afterMs });
const backoff = (afterMs: number): NextRun => ({ when: 'backoff', afterMs });

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A clock that stands still until it is moved. */
function manualClock() {
  let nowMs = 0;
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>();
  return {
    timer: (afterMs: number, run: () => void) => {
      const it = { atMs: nowMs + afterMs, run };
      timers.add(it);
      return () => void timers.delete(it);
    },
    pending: () => [...timers].map(({ atMs }) => atMs),
    /** Moves on to that time; runs what is due in between. */
    moveTo: (ms: number) => {
      nowMs = ms;
      for (const it of [...timers].filter(({ atMs }) => atMs <= ms).sort((a, b) => a.atMs - b.atMs)) {
        timers.delete(it);
        it.run();
      }
    },
  };
}

/** A queue of tables whose runs end when the test says so. */
function queueOf(concurrency = 1) {
  const clock = manualClock();
  const stop = new AbortController();
  const started: string[] = [];
  const running = new Map<string, PromiseWithResolvers<NextRun>>();
  const queue = new TableQueue(
    ({ name }) => {
      expect(running.has(name)).toBe(false);
      started.push(name);
      const run = Promise.withResolvers<NextRun>();
      running.set(name, run);
      return run.promise;
    },
    { concurrency, signal: stop.signal, timer: clock.timer },
  );
  let ended: 'no' | 'completed' | 'failed' = 'no';
  queue.ended.then(
    () => {
      ended = 'completed';
    },
    () => {
      ended = 'failed';
    },
  );
  onTestFinished(() => stop.abort());
  /** Lets what was promised happen. */
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const endOf = (name: string) => {
    const run = running.get(name);
    if (!run) throw new Error(`${name} does not run`);
    running.delete(name);
    return run;
  };
  return {
    queue,
    clock,
    stop,
    settle,
    /** Names of all that were started, in order. */
    started,
    running: () => [...running.keys()],
    ended: () => ended,
    request: (...names: string[]) => {
      for (const name of names) queue.request(tableRef(name));
    },
    drop: (name: string) => queue.drop(tableRef(name).id),
    /** Ends the run of a table. */
    finish: async (name: string, next: NextRun = REQUESTED) => {
      endOf(name).resolve(next);
      await settle();
    },
    fail: async (name: string, error: unknown) => {
      endOf(name).reject(error);
      await settle();
    },
  };
}

describe('a table that is requested', () => {
  test('waits once, however often', async () => {
    const it = queueOf();
    it.request('a', 'b', 'b', 'b');
    await it.finish('a');
    await it.finish('b');
    expect([it.started, it.running()]).toEqual([['a', 'b'], []]);
  });

  test('runs beside others, as many as the concurrency allows, in the order of the requests', async () => {
    const it = queueOf(2);
    it.request('c', 'a', 'd', 'b');
    expect(it.running()).toEqual(['c', 'a']);
    await it.finish('a');
    expect(it.running()).toEqual(['c', 'd']);
    await it.finish('c');
    await it.finish('d');
    expect(it.started).toEqual(['c', 'a', 'd', 'b']);
  });

  test('while it runs is run once more after that, behind those that wait, and never twice at a time', async () => {
    const it = queueOf(3);
    it.request('a', 'b', 'c', 'd', 'a', 'a');
    await it.finish('a');
    expect(it.started).toEqual(['a', 'b', 'c', 'd']);
    await it.finish('b');
    expect(it.started).toEqual(['a', 'b', 'c', 'd', 'a']);
    await it.finish('a');
    expect(it.running()).toEqual(['c', 'd']);
  });

  test('after its run gets the next one', async () => {
    const it = queueOf();
    it.request('a');
    await it.finish('a');
    it.request('a');
    expect(it.started).toEqual(['a', 'a']);
  });
});

test('a table with more to do runs again behind those that wait', async () => {
  const it = queueOf();
  it.request('a', 'b', 'c');
  await it.finish('a', AGAIN);
  await it.finish('b');
  await it.finish('c');
  expect(it.started).toEqual(['a', 'b', 'c', 'a']);
  it.request('a');
  await it.finish('a', AGAIN);
  await it.finish('a');
  expect(it.started).toEqual(['a', 'b', 'c', 'a', 'a']);
});

describe('a backoff', () => {
  test('is not shortened by requests, of which one run comes', async () => {
    const it = queueOf();
    it.request('a');
    await it.finish('a', backoff(50));
    it.request('a', 'b', 'a');
    await it.finish('b');
    it.clock.moveTo(49);
    expect(it.started).toEqual(['a', 'b']);
    it.clock.moveTo(50);
    await it.finish('a');
    expect([it.started, it.running()]).toEqual([['a', 'b', 'a'], []]);
  });

  test('is not shortened by a request during the run', async () => {
    const it = queueOf();
    it.request('a', 'a');
    await it.finish('a', backoff(50));
    expect(it.running()).toEqual([]);
    it.clock.moveTo(50);
    await it.finish('a');
    expect(it.started).toEqual(['a', 'a']);
  });

  test('is not shortened by the timer of an earlier run', async () => {
    const it = queueOf();
    it.request('a');
    await it.finish('a', later(10));
    it.request('a');
    await it.finish('a', backoff(50));
    it.clock.moveTo(10);
    expect(it.running()).toEqual([]);
    it.clock.moveTo(50);
    expect(it.running()).toEqual(['a']);
  });

  test('takes no slot of others, and the table waits like any other after it', async () => {
    const it = queueOf();
    it.request('a', 'b', 'c');
    await it.finish('a', backoff(50));
    expect(it.running()).toEqual(['b']);
    it.clock.moveTo(50);
    await it.finish('b');
    expect(it.running()).toEqual(['c']);
    await it.finish('c');
    expect(it.running()).toEqual(['a']);
  });
});

describe('a later run', () => {
  test('comes by itself, or earlier when it is requested', async () => {
    const it = queueOf();
    it.request('a');
    await it.finish('a', later(50));
    expect(it.running()).toEqual([]);
    it.request('a');
    expect(it.running()).toEqual(['a']);
    it.request('a');
    await it.finish('a', later(80));
    expect(it.running()).toEqual(['a']);
    await it.finish('a');
    it.clock.moveTo(49);
    expect(it.running()).toEqual([]);
    it.clock.moveTo(50);
    expect(it.running()).toEqual(['a']);
  });

  test('has one timer for each table, the first', async () => {
    const it = queueOf();
    for (const afterMs of [50, 70, 30]) {
      it.request('a');
      await it.finish('a', later(afterMs));
    }
    expect(it.clock.pending()).toEqual([50]);
    it.clock.moveTo(50);
    await it.finish('a', later(70));
    expect(it.clock.pending()).toEqual([120]);
  });
});

describe('a table that is dropped', () => {
  test('does not run while it waits, though it may be requested again', async () => {
    const it = queueOf();
    it.request('a', 'b', 'c');
    it.drop('b');
    it.drop('of which nothing is known');
    await it.finish('a');
    expect(it.running()).toEqual(['c']);
    it.request('b');
    await it.finish('c');
    expect(it.running()).toEqual(['b']);
  });

  test.each([
    ['and has more to do', AGAIN],
    ['and would run later', later(10)],
    ['and failed', backoff(10)],
    ['and was requested before', REQUESTED],
  ])('while it runs %s does not run again', async (_, next) => {
    const it = queueOf();
    it.request('a', 'a');
    it.drop('a');
    await it.finish('a', next);
    it.clock.moveTo(100);
    expect([it.started, it.clock.pending()]).toEqual([['a'], []]);
    it.request('a');
    expect(it.running()).toEqual(['a']);
  });

  test('while it runs, and requested after that, runs again', async () => {
    const it = queueOf();
    it.request('a');
    it.drop('a');
    it.request('a');
    await it.finish('a', AGAIN);
    await it.finish('a', AGAIN);
    await it.finish('a');
    expect(it.started).toEqual(['a', 'a', 'a']);
  });

  test('keeps its backoff when it comes back within it', async () => {
    const it = queueOf();
    it.request('a');
    await it.finish('a', backoff(50));
    it.drop('a');
    it.request('a');
    expect(it.running()).toEqual([]);
    it.clock.moveTo(50);
    expect(it.running()).toEqual(['a']);
  });

  test('does not run after its backoff or by the timer of a later run', async () => {
    const it = queueOf();
    it.request('a', 'b');
    await it.finish('a', backoff(50));
    await it.finish('b', later(50));
    it.drop('a');
    it.drop('b');
    it.clock.moveTo(50);
    expect(it.started).toEqual(['a', 'b']);
  });
});

describe('the end', () => {
  test('comes at once when nothing runs, and not before it is asked for', async () => {
    const it = queueOf();
    it.request('a');
    await it.finish('a', later(10));
    expect(it.ended()).toBe('no');
    it.queue.drain();
    await it.settle();
    expect([it.ended(), it.clock.pending()]).toEqual(['completed', []]);
  });

  test('comes after what runs and what waits, of which nothing runs again', async () => {
    const it = queueOf();
    it.request('a', 'b', 'a');
    it.queue.drain();
    it.request('c', 'b');
    await it.finish('a', AGAIN);
    await it.finish('b', backoff(10));
    expect([it.started, it.ended(), it.clock.pending()]).toEqual([['a', 'b'], 'completed', []]);
  });

  test('by the signal comes after what runs, and nothing that waits is started', async () => {
    const it = queueOf(2);
    it.request('d');
    await it.finish('d', backoff(10));
    it.request('a', 'b', 'c');
    it.stop.abort();
    it.request('e');
    it.clock.moveTo(10);
    await it.finish('a', AGAIN);
    expect(it.ended()).toBe('no');
    await it.finish('b');
    expect([it.started, it.ended()]).toEqual([['d', 'a', 'b'], 'completed']);
  });

  test('by a signal that has fired begins nothing', async () => {
    const run = () => Promise.reject(new Error('runs'));
    const queue = new TableQueue(run, { concurrency: 1, signal: AbortSignal.abort() });
    queue.request(tableRef('a'));
    await expect(queue.ended).resolves.toBeUndefined();
  });

  test('by an error of a run rejects at once, and no waiting table is started', async () => {
    const it = queueOf(2);
    it.request('a', 'b', 'c');
    await it.fail('a', new TypeError('a bug'));
    expect(it.ended()).toBe('failed');
    await expect(it.queue.ended).rejects.toThrow(TypeError);
    await it.finish('b', AGAIN);
    it.request('d');
    expect(it.started).toEqual(['a', 'b']);
  });
});

test('an operator who asks for a table ends its backoff, and nothing that runs or waits', async () => {
  const it = queueOf();
  it.request('a', 'b');
  it.queue.hurry(tableRef('a'));
  await it.finish('a', backoff(1_000));
  await it.finish('b');
  it.request('a');
  expect(it.running()).toEqual([]);
  it.queue.hurry(tableRef('a'));
  expect([it.running(), it.clock.pending()]).toEqual([['a'], []]);
  await it.finish('a');
  it.queue.hurry(tableRef('c'));
  expect([it.started, it.running()]).toEqual([['a', 'b', 'a', 'c'], ['c']]);
});

test('without a timer of its own the queue takes those of the process', async () => {
  const stop = new AbortController();
  let runs = 0;
  const queue = new TableQueue(
    async () => {
      runs += 1;
      if (runs < 3) return runs === 1 ? backoff(1) : later(1);
      queue.drain();
      return REQUESTED;
    },
    { concurrency: 1, signal: stop.signal },
  );
  queue.request(tableRef('a'));
  await queue.ended;
  expect(runs).toBe(3);
});

test('a table that is made anew elsewhere runs where it was requested last', async () => {
  const ran: string[] = [];
  const clock = manualClock();
  const queue = new TableQueue(
    async ({ uri }) => {
      ran.push(uri);
      return ran.length === 1 ? backoff(10) : REQUESTED;
    },
    { concurrency: 1, signal: new AbortController().signal, timer: clock.timer },
  );
  queue.request(tableRef('t'));
  await settled();
  queue.request({ ...tableRef('t'), uri: '/lake/775d8cd1_t' });
  clock.moveTo(10);
  await settled();
  expect(ran).toEqual(['/lake/t.lance', '/lake/775d8cd1_t']);
});
