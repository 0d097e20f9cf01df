import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AckTracker } from '../../../../src/kafka/consumer/ack-tracker.ts';

/** Delivers a record; its ack. */
function deliver(tracker: AckTracker, offset: bigint, sinceMs: number, last = offset): () => boolean {
  const entry = { offset, sinceMs, done: false };
  tracker.deliver(entry, last);
  return () => tracker.settle(entry);
}

test('commits the longest run of settled records from the start', () => {
  const tracker = new AckTracker();
  expect(tracker.committable).toBeUndefined();
  const [a, b, c] = [10n, 11n, 20n].map((offset, index) => deliver(tracker, offset, 100 + index));
  expect(tracker.unacked).toBe(3);
  expect(tracker.oldestSinceMs).toBe(100);
  expect(b?.()).toBe(true);
  expect(tracker.committable).toBeUndefined();
  expect(a?.()).toBe(true);
  // 12 to 19 do not exist.
  expect(tracker.committable).toBe(20n);
  expect(tracker.oldestSinceMs).toBe(102);
  expect(c?.()).toBe(true);
  expect(tracker.committable).toBe(21n);
  expect(tracker.oldestSinceMs).toBeUndefined();
});

test('a record stands for those behind it that it was delivered with', () => {
  const tracker = new AckTracker();
  const [a, b] = [deliver(tracker, 3n, 0, 9n), deliver(tracker, 10n, 0)];
  expect(() => deliver(tracker, 10n, 0)).toThrow(RangeError);
  b();
  expect(tracker.committable).toBeUndefined();
  a();
  expect(tracker.committable).toBe(11n);
  deliver(tracker, 12n, 0, 20n)();
  expect(tracker.committable).toBe(21n);
});

test('an ack counts once', () => {
  const tracker = new AckTracker();
  const ack = deliver(tracker, 0n, 0);
  deliver(tracker, 1n, 0);
  expect([ack(), ack()]).toEqual([true, false]);
  expect(tracker.unacked).toBe(1);
});

test('steps over offsets without a record only when nothing before them is open', () => {
  const tracker = new AckTracker();
  const ack = deliver(tracker, 5n, 0);
  tracker.reached(9n);
  expect(tracker.committable).toBeUndefined();
  ack();
  expect(tracker.committable).toBe(9n);
  tracker.reached(7n);
  expect(tracker.committable).toBe(9n);
  tracker.reached(12n);
  expect(tracker.committable).toBe(12n);
});

test('refuses offsets that do not rise', () => {
  const tracker = new AckTracker();
  deliver(tracker, 5n, 0)();
  expect(() => deliver(tracker, 5n, 0)).toThrow(RangeError);
  tracker.reached(9n);
  expect(() => deliver(tracker, 8n, 0)).toThrow(RangeError);
  deliver(tracker, 9n, 0);
});

test('never passes an open record, never goes back, and ends behind the last', () => {
  const gaps = fc.array(fc.record({ gap: fc.integer({ min: 1, max: 5 }), reach: fc.boolean() }), { maxLength: 60 });
  const order = fc.infiniteStream(fc.nat());
  fc.assert(
    fc.property(gaps, order, fc.integer({ min: 1, max: 20 }), (records, picks, window) => {
      const tracker = new AckTracker();
      const open = new Map<bigint, () => boolean>();
      let offset = 0n;
      let before = -1n;
      const ackOne = (): void => {
        const [pick = 0] = picks.take(1);
        const chosen = [...open.keys()][pick % open.size];
        if (chosen === undefined) return;
        expect(open.get(chosen)?.()).toBe(true);
        open.delete(chosen);
      };
      const check = (): void => {
        const committable = tracker.committable ?? -1n;
        for (const each of open.keys()) expect(committable).toBeLessThanOrEqual(each);
        expect(committable).toBeGreaterThanOrEqual(before);
        before = committable;
        expect(tracker.unacked).toBe(open.size);
      };
      for (const { gap, reach } of records) {
        offset += BigInt(gap);
        open.set(offset, deliver(tracker, offset, 0));
        if (reach) {
          tracker.reached(offset + 1n + BigInt(gap));
          offset += BigInt(gap);
        }
        while (open.size > window) ackOne();
        check();
      }
      while (open.size > 0) {
        ackOne();
        check();
      }
      if (records.length > 0) expect(tracker.committable).toBe(offset + 1n);
      expect(tracker.kept).toBe(0);
    }),
  );
});

test('forgets what is settled, also behind a record that stays open', () => {
  const tracker = new AckTracker();
  for (let offset = 0n; offset < 50_000n; offset++) deliver(tracker, offset, 0)();
  expect(tracker.kept).toBe(0);
  const open = [50_000n, 50_001n].map((offset) => deliver(tracker, offset, 0));
  for (let offset = 50_002n; offset < 60_000n; offset++) {
    deliver(tracker, offset, 0)();
    expect(tracker.kept).toBeLessThan(2_000);
  }
  expect(tracker.committable).toBe(50_000n);
  open[0]?.();
  expect(tracker.committable).toBe(50_001n);
  open[1]?.();
  expect(tracker.committable).toBe(60_000n);
});
