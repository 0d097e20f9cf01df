import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openPatience } from '../../../../src/commands/terminal/patience.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function open(isTTY: boolean) {
  const said: string[] = [];
  const printed: string[] = [];
  const out = {
    stdout: { write: (text: string) => printed.push(text) },
    stderr: { isTTY, write: (text: string) => said.push(text) },
  };
  return { patience: openPatience(out, Date.now), said, printed };
}

test('on a terminal a line tells what is waited for after two seconds, each second, and goes when there is more to read', () => {
  const { patience, said, printed } = open(true);
  patience.start('status');
  vi.advanceTimersByTime(1_900);
  expect(said).toEqual([]);
  vi.advanceTimersByTime(100);
  patience.doing('waiting for the broker');
  vi.advanceTimersByTime(1_000);
  expect(said).toEqual([
    '\r\x1b[Ksegmentd status: at work, 2 s',
    '\r\x1b[Ksegmentd status: waiting for the broker, 3 s',
  ]);
  patience.stdout.write('facts\n');
  expect([said.at(-1), printed]).toEqual(['\r\x1b[K', ['facts\n']]);
  vi.advanceTimersByTime(1_500);
  expect(said).toHaveLength(3);
  patience.stop();
  vi.advanceTimersByTime(60_000);
  expect(said).toHaveLength(3);
});

test('in a file or a pipe nothing is said', () => {
  const { patience, said } = open(false);
  patience.start('index');
  vi.advanceTimersByTime(30_000);
  patience.stop();
  expect(said).toEqual([]);
});

test('what was written counts: the silence begins anew', () => {
  const { patience, said } = open(true);
  patience.start('index');
  for (let at = 0; at < 10; at++) {
    vi.advanceTimersByTime(1_000);
    patience.stderr.write('50 %\n');
  }
  patience.stop();
  expect(said).toEqual(Array(10).fill('50 %\n'));
});
