import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { StatusEvents } from '../../../src/http/status-events.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

/** A client: what it was sent, and whether it is too slow to take more. */
class Client extends EventEmitter {
  readonly sent: string[] = [];
  writableNeedDrain = false;
  closed = false;
  write(text: string): void {
    this.sent.push(text);
  }
  leave(): void {
    this.closed = true;
    this.emit('close');
  }
}

function setUp() {
  let state = { at: 'now', state: 'joining' };
  let reads = 0;
  const events = new StatusEvents(() => {
    reads += 1;
    return state;
  });
  const listen = () => {
    const client = new Client();
    events.admit();
    events.send(client as unknown as ServerResponse);
    return client;
  };
  const become = (next: string, at = 'later') => {
    state = { at, state: next };
  };
  return { listen, become, reads: () => reads };
}

const event = (state: string, at = 'later') => `event: status\ndata: {"at":"${at}","state":"${state}"}\n\n`;

test('the status comes at once, and then when it has changed: once a second at most', () => {
  const { listen, become } = setUp();
  const { sent } = listen();
  expect(sent).toEqual([event('joining', 'now')]);
  for (const next of ['running', 'rebalancing', 'running']) become(next);
  vi.advanceTimersByTime(999);
  expect(sent).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(sent.slice(1)).toEqual([event('running')]);
  become('running', 'even later');
  vi.advanceTimersByTime(5_000);
  expect(sent).toHaveLength(2);
});

test('a comment comes every 15 seconds while nothing changes', () => {
  const { sent } = setUp().listen();
  vi.advanceTimersByTime(15_000);
  expect(sent.slice(1)).toEqual([': nothing new\n\n']);
  vi.advanceTimersByTime(30_000);
  expect(sent).toHaveLength(4);
});

test('the status is read once for all that listen, and not at all when none does', () => {
  const { listen, reads } = setUp();
  vi.advanceTimersByTime(10_000);
  expect(reads()).toBe(0);
  const clients = [listen(), listen(), listen()];
  expect(clients.map(({ sent }) => sent.length)).toEqual([1, 1, 1]);
  vi.advanceTimersByTime(3_000);
  expect(reads()).toBe(4);
  for (const client of clients) client.leave();
  vi.advanceTimersByTime(10_000);
  expect(reads()).toBe(4);
});

test('a client that reads too slowly is spared, and gets the newest later', () => {
  const { listen, become } = setUp();
  const slow = listen();
  slow.writableNeedDrain = true;
  for (const next of ['a', 'b', 'c']) {
    become(next);
    vi.advanceTimersByTime(1_000);
  }
  expect(slow.sent).toHaveLength(1);
  slow.writableNeedDrain = false;
  vi.advanceTimersByTime(1_000);
  expect(slow.sent.slice(1)).toEqual([event('c')]);
});

test('64 may listen, and a client that leaves makes room', () => {
  const { listen } = setUp();
  const clients = Array.from({ length: 64 }, listen);
  expect(listen).toThrow('64 clients listen already');
  clients[0]?.leave();
  expect(listen().sent).toHaveLength(1);
});
