import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import { heedEarly } from '../../../src/lib/early-signals.ts';

function heeding({ pid = 7, hasTerminal = false }) {
  const exits: number[] = [];
  const target = Object.assign(new EventEmitter(), { pid, exit: (code: number) => void exits.push(code) });
  heedEarly(target, hasTerminal);
  return { target, exits };
}

describe('before a daemon listens', () => {
  test('SIGHUP does nothing, but for one with a terminal, which it ends by default', () => {
    expect(heeding({}).target.listenerCount('SIGHUP')).toBe(1);
    expect(heeding({ hasTerminal: true }).target.listenerCount('SIGHUP')).toBe(0);
  });

  test('SIGTERM and SIGINT end process 1, and are left to the kernel in any other', () => {
    const { target, exits } = heeding({ pid: 1 });
    for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) target.emit(name);
    expect(exits).toEqual([143, 130]);
    expect(heeding({}).target.listenerCount('SIGTERM')).toBe(0);
  });
});

test('once it does, each signal is its own', () => {
  const { target, exits } = heeding({ pid: 1 });
  let heard = 0;
  target.on('SIGTERM', () => heard++);
  target.emit('SIGTERM');
  target.emit('SIGINT');
  expect([heard, exits]).toEqual([1, [130]]);
});
