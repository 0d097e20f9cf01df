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

/** A status with the time when it was read, ISO 8601, which alone makes no new one. */
export type Timed = { readonly at: string };

/** The last event that a client got, and when it was last written to, milliseconds of performance.now. */
type Written = { readonly event: string; readonly atMs: number };

export class StatusEvents {
  readonly #read: () => Timed;
  readonly #listeners = new Map<ServerResponse, Written>();
  #timer: NodeJS.Timeout | undefined;
  /** The last event, and the status in it without its time. */
  #event = '';
  #shown = '';

  constructor(read: () => Timed) {
    this.#read = read;
  }

  /** Sends the status now and whenever it changes, until the client leaves. Call `admit` first. */
  send(response: ServerResponse): void {
    if (response.closed) return;
    const now = performance.now();
    // The first of several starts the timer; the others get what it was sent last, which is a second old at most.
    if (this.#listeners.size === 0) this.#look(now);
    this.#listeners.set(response, { event: this.#event, atMs: now });
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

  /** Reads the status, and plans the next look. */
  #look(now: number): void {
    const { at, ...status } = this.#read();
    const shown = JSON.stringify(status);
    if (shown !== this.#shown) {
      this.#shown = shown;
      this.#event = `event: status\ndata: {"at":${JSON.stringify(at)},${shown.slice(1)}\n\n`;
    }
    const tookMs = performance.now() - now;
    this.#timer = setTimeout(() => this.#tick(), Math.max(EVERY_MS, tookMs / MOST_SHARE)).unref();
  }

  #tick(): void {
    const now = performance.now();
    this.#look(now);
    for (const [response, { event, atMs }] of this.#listeners) {
      // A client that reads too slowly gets the newest when it has caught up.
      if (response.writableNeedDrain) continue;
      const isNew = event !== this.#event;
      if (!isNew && now - atMs < COMMENT_MS) continue;
      response.write(isNew ? this.#event : ': nothing new\n\n');
      this.#listeners.set(response, { event: this.#event, atMs: now });
    }
  }
}
