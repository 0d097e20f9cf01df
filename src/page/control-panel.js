/** Commands, on the listener that takes them, once its token is given. The token is kept for this tab and until it is closed. */
import { byId, h } from './dom.js';

/** @import { TableStatus } from '../control/table-states.ts' */

const KEY = 'segmentd-token';

const listener = () => document.querySelector('meta[name="segmentd-listener"]')?.getAttribute('content');

/** Whether this page came from the listener that takes commands. */
export const isControl = () => listener() === 'admin';

/** Whether this page came from a listener that tells nothing without a token. */
const asksToken = () => isControl() || listener() === 'locked';

const token = () => (asksToken() ? sessionStorage.getItem(KEY) : null);

/** What a request carries. @returns {Record<string, string>} */
export function authorization() {
  const given = token();
  return given === null ? {} : { authorization: `Bearer ${given}` };
}

/** Whether requests can be made: without a token only where none is needed. */
export const mayAsk = () => !asksToken() || token() !== null;

/** Where the answers are. */
export const apiBase = () => (isControl() ? '/v1' : '');

/** @type {() => void} */
let changed = () => {};

/** Shows the form for the token. @param {() => void} onChange a token was given or forgotten */
export function startControl(onChange) {
  changed = onChange;
  if (!asksToken()) return;
  byId('token-form').hidden = false;
  byId('token-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const box = /** @type {HTMLInputElement} */ (byId('token'));
    if (box.value !== '') sessionStorage.setItem(KEY, box.value);
    box.value = '';
    tell('');
    show();
    changed();
  });
  byId('forget').addEventListener('click', () => forget('The token is forgotten.'));
  show();
}

/** Asks for the token again. @param {string} why */
export function forget(why) {
  sessionStorage.removeItem(KEY);
  tell(why);
  show();
  changed();
}

function show() {
  const isGiven = token() !== null;
  byId('token-ask').hidden = isGiven;
  byId('token-given').hidden = !isGiven;
  document.body.classList.toggle('control', isGiven && isControl());
}

/** Says how a command went, to eyes and ears. @param {string} text */
function tell(text) {
  byId('told').textContent = text;
}

/**
 * The buttons of a table, as a key and content for `patch`.
 * @param {Pick<TableStatus, 'table' | 'pause'>} table
 */
export function commandButtons({ table, pause }) {
  const commands = token() === null || !isControl() ? [] : [pause ? 'resume' : 'pause', 'refresh', 'merge', 'optimize'];
  return { key: commands, build: () => commands.map((command) => commandButton(command, table)) };
}

/**
 * @param {string} command
 * @param {string} table
 */
function commandButton(command, table) {
  // Pause becomes resume and keeps its place, and with it the focus.
  const place = command === 'resume' ? 'pause' : command;
  const button = h(
    'button',
    { type: 'button', class: 'command', 'data-focus': place, 'aria-label': `${command} ${table}` },
    command,
  );
  button.addEventListener('click', () => void run(command, table, button));
  return button;
}

/**
 * @param {string} command
 * @param {string} table
 * @param {HTMLButtonElement} button
 */
async function run(command, table, button) {
  // Not `disabled`, which would drop the focus.
  if (button.getAttribute('aria-disabled') === 'true') return;
  button.setAttribute('aria-disabled', 'true');
  tell(`${command} ${table}: asked …`);
  try {
    const path = table.split('/').map(encodeURIComponent).join('/');
    const answer = await fetch(`/v1/tables/${path}/${command}`, { method: 'POST', headers: authorization() });
    const body = await answer.json().catch(() => ({}));
    if (answer.status === 401) forget('The token was refused. Nothing was done.');
    else tell(`${command} ${table}: ${answer.ok ? 'done' : refusal(answer.status, body)}`);
  } catch (error) {
    tell(
      `${command} ${table}: no answer (${error instanceof Error ? error.message : error}). It may or may not have been done.`,
    );
  } finally {
    button.removeAttribute('aria-disabled');
  }
}

/**
 * @param {number} status
 * @param {{ code?: unknown, error?: unknown, hint?: unknown }} body
 */
function refusal(status, { code, error, hint }) {
  const parts = [code, error].filter((part) => typeof part === 'string').join(': ');
  return `refused, ${parts || `HTTP ${status}`}${typeof hint === 'string' ? `. ${hint}` : ''}`;
}
