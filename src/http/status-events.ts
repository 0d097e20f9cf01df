/**
 * `/status/events`: the status as server-sent events, to all that listen at once. An event comes when the status has changed, once a
 * second at most, and a comment in between, so that proxies keep the connection and clients notice a daemon that is gone.
 */
import type { ServerResponse } from 'node:http';
import { SegmentdError } from '../lib/errors.ts';

const EVERY_MS = 1_000;
/** A status of very many tables takes its time to write: that is at most this share of a core. */
const MOST_SHARE = 0.05;
const COMMENT_MS = 15_000;
/** An operator has a few pages open; each costs a copy of the status a second. */
const MOST_LISTENERS = 64;

type Options = {
  /** For tests. Milliseconds. */
  readonly everyMs?: number;
  readonly commentMs?: number;
};

export class StatusEvents {
  readonly #read: () => object;
  readonly #everyMs: number;
  readonly #commentMs: number;
  /** And when each was last written to, milliseconds of performance.now. */
  readonly #listeners = new Map<ServerResponse, number>();
  #timer: NodeJS.Timeout | undefined;
  /** The last event, and the status in it without its time. */
  #event = '';
  #shown = '';

  /** `read`: the status, with its time as `at`. */
  constructor(read: () => object, { everyMs = EVERY_MS, commentMs = COMMENT_MS }: Options = {}) {
    this.#read = read;
    this.#everyMs = everyMs;
    this.#commentMs = commentMs;
  }

  /** Sends the status now and whenever it changes, until the client leaves. Call `admit` first. */
  send(response: ServerResponse): void {
    if (response.closed) return;
    const now = performance.now();
    // The first of several starts the timer; the others get what it was sent last, which is a second old at most.
    if (this.#listeners.size === 0) this.#look(now);
    this.#listeners.set(response, now);
    response.once('close', () => this.#leave(response));
    response.write(this.#event);
  }

  /** Errors: too_many_watchers. */
  admit(): void {
    if (this.#listeners.size < MOST_LISTENERS) return;
    throw new SegmentdError('too_many_watchers', `${MOST_LISTENERS} clients listen already`);
  }

  #leave(response: ServerResponse): void {
    this.#listeners.delete(response);
    if (this.#listeners.size > 0) return;
    clearTimeout(this.#timer);
    this.#event = '';
    this.#shown = '';
  }

  /** Reads the status, and plans the next look. Returns whether it is another one than before. */
  #look(now: number): boolean {
    const status = this.#read();
    const shown = JSON.stringify({ ...status, at: null });
    const isNew = shown !== this.#shown;
    if (isNew) {
      this.#shown = shown;
      this.#event = `event: status\ndata: ${JSON.stringify(status)}\n\n`;
    }
    const tookMs = performance.now() - now;
    this.#timer = setTimeout(() => this.#tick(), Math.max(this.#everyMs, tookMs / MOST_SHARE)).unref();
    return isNew;
  }

  #tick(): void {
    const now = performance.now();
    const isNew = this.#look(now);
    for (const [response, writtenAt] of this.#listeners) {
      // A client that reads too slowly gets the newest when it has caught up.
      if (response.writableNeedDrain) continue;
      const isDue = now - writtenAt >= this.#commentMs;
      if (!isNew && !isDue) continue;
      response.write(isNew ? this.#event : ': nothing new\n\n');
      this.#listeners.set(response, now);
    }
  }
}
