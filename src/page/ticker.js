/** Ages that go on counting between two answers, by the daemon's clock: that of the reader may be wrong. */
import { h } from './dom.js';
import { ago, until } from './words.js';

let daemonMs = Date.now();
let heardMs = performance.now();

/** The daemon's time now, milliseconds since the epoch. */
export const now = () => daemonMs + (performance.now() - heardMs);

/** An answer was made at `at`, ISO 8601, and has just come. @param {string} at */
export function heard(at) {
  daemonMs = Date.parse(at);
  heardMs = performance.now();
}

/** How long ago something was. @param {string} at ISO 8601 */
export const since = (at) => h('time', { datetime: at, 'data-tick': 'ago' }, ago(at, now()));

/** How long until something happens. @param {string} at ISO 8601 */
export const untilThen = (at) => h('time', { datetime: at, 'data-tick': 'until' }, until(at, now()));

/** Brings all ages up to date. */
export function tick() {
  for (const element of document.querySelectorAll('time[data-tick]')) {
    const at = element.getAttribute('datetime') ?? '';
    const text = element.getAttribute('data-tick') === 'ago' ? ago(at, now()) : until(at, now());
    if (element.textContent !== text) element.textContent = text;
  }
}
