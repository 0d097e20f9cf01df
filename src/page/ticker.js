/** Ages that go on counting between two answers, by the daemon's clock: that of the reader may be wrong. */
import { h } from './dom.js';
import { ago, readAgo, until } from './words.js';

let daemonMs = Date.now();
let heardMs = performance.now();

/** The daemon's time now, milliseconds since the epoch. */
export const now = () => daemonMs + (performance.now() - heardMs);

/** An answer was made at `at`, ISO 8601, and has just come. @param {string} at */
export function heard(at) {
  daemonMs = Date.parse(at);
  heardMs = performance.now();
}

/** What ages say, by the name that `data-tick` has. @type {Readonly<Record<string, (at: string, nowMs: number) => string>>} */
const AGES = { ago, until, read: readAgo };

/** @param {string} name @returns {(at: string) => HTMLTimeElement} */
const ticking = (name) => (at) => h('time', { datetime: at, 'data-tick': name }, AGES[name]?.(at, now()) ?? '');

/** How long ago something was, ISO 8601. */
export const since = ticking('ago');

/** How long until something happens, ISO 8601. */
export const untilThen = ticking('until');

/** How long ago a table was read, ISO 8601: nothing unless that is a while ago. */
export const readSince = ticking('read');

/** Brings all ages up to date. */
export function tick() {
  for (const element of document.querySelectorAll('time[data-tick]')) {
    const at = element.getAttribute('datetime') ?? '';
    const text = AGES[element.getAttribute('data-tick') ?? '']?.(at, now()) ?? '';
    if (element.textContent !== text) element.textContent = text;
  }
}
