/** The page: asks the daemon it came from, and shows what it says. */
import { apiBase, authorization, forget, mayAsk, startControl } from './control-panel.js';
import { byId } from './dom.js';
import { follow } from './feed.js';
import { showAlive, showHead, showStale } from './head.js';
import { showRecent } from './recent-lists.js';
import { showDetail, tableOfPage } from './table-page.js';
import { showTables, startTable } from './table-rows.js';
import { heard, tick } from './ticker.js';
import { startTip } from './tip.js';
import { duration } from './words.js';

/** @import { MemberStatus, MemberTable } from '../control/member-status.ts' */

const TICK_MS = 1_000;
/** The feed tells sooner. This is for a computer that slept, and for faults of the feed itself. */
const SILENT_MS = 25_000;
/**
 * While nobody looks at the page, it asks now and then, for the STALE in its title, and keeps no stream open: a browser has six
 * connections for all pages of a daemon.
 */
const HIDDEN_POLL_MS = 30_000;

/** @type {MemberStatus | null} */
let last = null;
/** @type {MemberTable | null} */
let lastDetail = null;
/** When the daemon was heard last, by the clock of the reader. @type {number | null} */
let heardMs = null;
let following = new AbortController();
/** Since when this page listens as it does now, by the clock of the reader. */
let listeningMs = Date.now();

const table = tableOfPage();

/** @param {MemberStatus} status */
function show(status) {
  last = status;
  heard(status.at);
  redraw();
}

/**
 * @param {MemberTable} detail
 * @param {string | null} date
 */
function showOne(detail, date) {
  lastDetail = detail;
  if (date !== null) heard(date);
  byId('gone').hidden = true;
  byId('detail').hidden = false;
  redraw();
}

/** Shows what was said last; also after a filter or the token has changed. */
function redraw() {
  document.body.classList.toggle('locked', !mayAsk());
  if (lastDetail) showDetail(lastDetail);
  if (!last) return;
  showHead(last);
  byId('view').textContent = `As member ${last.member} sees them.`;
  byId('dead-letters').hidden = table !== null || last.polls_every_s !== null;
  showTables(last.tables);
  showRecent(last.recent);
}

/**
 * An answer that is not the value.
 * @param {number} status
 * @param {string} error
 */
function refused(status, error) {
  if (status === 401) {
    forget('The token was refused.');
    return;
  }
  if (status === 404 && table !== null) {
    showAlive();
    byId('detail').hidden = true;
    byId('gone').hidden = false;
    return;
  }
  showStale(heardMs, `HTTP ${status}, ${error}`);
}

function alive() {
  heardMs = Date.now();
  showAlive();
  showPulse();
}

/** Follows the daemon from now on, with what was said to be forgotten. */
function restart() {
  heardMs = null;
  showAlive();
  redraw();
  listen();
}

/** Asks at once, and goes on as the page is seen or not; what was followed before is left. */
function listen() {
  following.abort();
  following = new AbortController();
  listeningMs = Date.now();
  if (!mayAsk()) return;
  const path = table === null ? '' : `/tables/${table.split('/').map(encodeURIComponent).join('/')}`;
  const base = { headers: authorization, alive, refused, silent, fetch: globalThis.fetch.bind(globalThis), sleep };
  /** @type {(url: string, stream: string | null, news: (value: any, date: string | null) => void) => void} */
  const start = (url, stream, news) => {
    const parts = document.hidden ? { stream: null, pollMs: HIDDEN_POLL_MS } : { stream };
    void follow({ ...base, ...parts, url, news }, following.signal);
  };
  if (table === null) start(`${apiBase()}/status`, `${apiBase()}/status/events`, show);
  else start(`${apiBase()}/status${path}`, null, showOne);
}

/** @param {string} why */
const silent = (why) => showStale(heardMs, why);

/**
 * @param {number} ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function sleep(ms, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}

function everySecond() {
  tick();
  const silentMs = silence();
  const waitedMs = Math.min(silentMs, Date.now() - listeningMs);
  if (waitedMs > SILENT_MS + (document.hidden ? HIDDEN_POLL_MS : 0))
    silent(`nothing was heard for ${duration(silentMs / 1000)}`);
  showPulse();
}

/** Milliseconds since the daemon was heard. */
const silence = () => (heardMs === null ? 0 : Date.now() - heardMs);

function showPulse() {
  const silentMs = silence();
  const heardThen = silentMs < 2_000 ? 'heard now' : `heard ${duration(silentMs / 1000)} ago`;
  const waiting = heardMs === null ? 'waiting for the first answer' : heardThen;
  byId('pulse').textContent = mayAsk() ? waiting : 'needs the token of this listener';
}

/** A fault of the page must not look like a quiet daemon. @param {unknown} error */
const failed = (error) => showStale(heardMs, `this page failed: ${error}`);

document.addEventListener('visibilitychange', listen);
window.addEventListener('error', ({ message }) => failed(message));
window.addEventListener('unhandledrejection', ({ reason }) => failed(reason));
document.title = table === null ? 'segmentd' : `${table} · segmentd`;
byId('all-tables').hidden = table !== null;
byId('one-table').hidden = table === null;
byId('dead-letters').hidden = table !== null;
startTip();
startTable(redraw);
startControl(restart);
restart();
setInterval(everySecond, TICK_MS);
