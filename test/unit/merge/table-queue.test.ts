import { beforeEach, describe, expect, test } from 'vitest';
import { Turns } from '../../../src/merge/table-queue.ts';

let turns: Turns;
beforeEach(() => {
  turns = new Turns();
});

describe('a table that is asked for', () => {
  test('waits once, however often', () => {
    expect([turns.enter('a'), turns.enter('a'), turns.enter('a')]).toEqual([true, false, false]);
  });

  test('does not keep others from waiting or running', () => {
    turns.enter('a');
    turns.begin('a');
    expect(turns.enter('b')).toBe(true);
    turns.begin('b');
    turns.enter('b');
    expect([turns.end('a'), turns.end('b')]).toEqual([false, true]);
  });

  test('while it runs gets no second turn beside, but is told of it at the end, once', () => {
    turns.enter('a');
    turns.begin('a');
    expect([turns.enter('a'), turns.enter('a')]).toEqual([false, false]);
    expect(turns.end('a')).toBe(true);
    expect(turns.enter('a')).toBe(true);
    turns.begin('a');
    expect(turns.end('a')).toBe(false);
  });

  test('before it runs is not told again: its turn sees all there is', () => {
    turns.enter('a');
    turns.enter('a');
    turns.begin('a');
    expect(turns.end('a')).toBe(false);
  });

  test('after its turn gets the next one', () => {
    turns.enter('a');
    turns.begin('a');
    turns.end('a');
    expect(turns.enter('a')).toBe(true);
  });
});

describe('a table that rests', () => {
  test('gets no turn until it is woken, and then waits like any other', () => {
    turns.rest('a');
    expect([turns.enter('a'), turns.enter('b')]).toEqual([false, true]);
    turns.wake('a');
    expect([turns.enter('a'), turns.enter('a')]).toEqual([true, false]);
  });

  test('is not told what it was asked meanwhile: whoever wakes it asks', () => {
    turns.enter('a');
    turns.begin('a');
    turns.end('a');
    turns.rest('a');
    turns.enter('a');
    turns.wake('a');
    turns.enter('a');
    turns.begin('a');
    expect(turns.end('a')).toBe(false);
  });
});
