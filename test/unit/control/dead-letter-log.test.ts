import { expect, test } from 'vitest';
import { DeadLetterLog } from '../../../src/control/dead-letter-log.ts';
import type { ConsumerRecord } from '../../../src/model.ts';

const HOUR = 3_600_000;
const wrong = { code: 'event_invalid', message: 'no table' };

function setUp() {
  let now = Date.UTC(2026, 0);
  const log = new DeadLetterLog(() => now);
  const note = (value: Uint8Array | string | null = 'x', offset = 3n, message = wrong.message) => {
    const record: ConsumerRecord = {
      position: { topic: 'appends', partition: 2, offset },
      ...{ key: null, value: typeof value === 'string' ? Buffer.from(value) : value, headers: new Map() },
      ...{ timestampMs: 0, signal: AbortSignal.abort(), ack: () => undefined },
    };
    log.note(record, { ...wrong, message });
    return log.newest[0]?.value;
  };
  return { log, note, pass: (ms: number) => (now += ms) };
}

test('an entry says when, why, where and how the value begins', () => {
  const { log, note } = setUp();
  note('{"tabel":"lake/t"}', 2n ** 60n);
  expect(log.newest).toEqual([
    {
      ...{ at: '2026-01-01T00:00:00.000Z', code: 'event_invalid', message: 'no table' },
      ...{ topic: 'appends', partition: 2, offset: '1152921504606846976', value: '{"tabel":"lake/t"}' },
    },
  ]);
});

test('of a value 80 bytes are kept, as text that hides nothing and breaks no character', () => {
  const { note } = setUp();
  expect(note(null)).toBe('');
  expect(note('a\u0000\n\u001b[31m\u202e\u2028z')).toBe('a\\u{0}\\u{a}\\u{1b}[31m\\u{202e}\\u{2028}z');
  expect(note(Uint8Array.of(0xff, 0x41))).toBe('\ufffdA');
  expect(note(`${'a'.repeat(79)}é`)).toBe('a'.repeat(79));
  expect(note('<img src=x onerror=alert(1)>')).toBe('<img src=x onerror=alert(1)>');
});

test('a message keeps its lines, and hides nothing either', () => {
  const { log, note } = setUp();
  note('x', 3n, 'there is no table db/\u202etxt.\u0007\n  → table');
  expect(log.newest[0]?.message).toBe('there is no table db/\\u{202e}txt.\\u{7}\n  → table');
});

test('twenty are kept, and all of the last 24 hours are counted', () => {
  const { log, note, pass } = setUp();
  for (let at = 0; at < 30; at++) note('x', BigInt(at));
  expect([log.newest.length, log.newest[0]?.offset, log.ofLastDay]).toEqual([20, '29', 30]);
  pass(12 * HOUR);
  note();
  pass(11.9 * HOUR);
  expect(log.ofLastDay).toBe(31);
  pass(0.3 * HOUR);
  expect(log.ofLastDay).toBe(1);
  pass(-2 * HOUR);
  note();
  expect(log.ofLastDay).toBe(2);
  pass(1_000 * HOUR);
  expect(log.ofLastDay).toBe(0);
});
