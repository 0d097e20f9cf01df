/** Commands, on the listener that takes them, once its token is given. The token is kept for this tab and until it is closed. */
import { outcomeOf, refusalOf, tokenOf } from './command-words.js';
import { byId, h } from './dom.js';

/** @import { TableStatus } from '../control/table-states.ts' */

const KEY = 'segmentd-token';
/** A command is answered at once: what takes long goes on behind the answer. */
const ANSWER_MS = 10_000;

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
    const given = tokenOf(box.value);
    box.value = '';
    if (given === null) {
      tell('That cannot be a token: letters, digits and signs of ASCII alone can be sent.');
      return;
    }
    sessionStorage.setItem(KEY, given);
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

/**
 * Says how a command went, to eyes and ears.
 * @param {string} text
 * @param {...(Node | string)} more
 */
function tell(text, ...more) {
  byId('told').replaceChildren(text, ...more);
}

/**
 * The buttons of a table, as a key and content for `patch`. A declined table is not written: it has no merge and no optimize.
 * @param {Pick<TableStatus, 'table' | 'pause' | 'declined'>} table
 */
export function commandButtons({ table, pause, declined }) {
  const all = [pause ? 'resume' : 'pause', 'refresh', ...(declined ? [] : ['merge', 'optimize'])];
  const commands = token() === null || !isControl() ? [] : all;
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

/** A merge of all segments, whatever the policy says, for those who want that. @param {string} table */
function mergeToOne(table) {
  const label = 'merge to 1 segment all the same: writes the whole index again';
  const button = h('button', { type: 'button', class: 'command' }, label);
  button.addEventListener('click', () => void run('merge', table, button, '?to=1'));
  return button;
}

/**
 * @param {string} command
 * @param {string} table
 * @param {HTMLButtonElement} button
 * @param {string} [query]
 */
async function run(command, table, button, query = '') {
  // Not `disabled`, which would drop the focus.
  if (button.getAttribute('aria-disabled') === 'true') return;
  button.setAttribute('aria-disabled', 'true');
  tell(`${command} ${table}: asked …`);
  try {
    const path = table.split('/').map(encodeURIComponent).join('/');
    const answer = await fetch(`/v1/tables/${path}/${command}${query}`, {
      ...{ method: 'POST', headers: authorization(), signal: AbortSignal.timeout(ANSWER_MS) },
    });
    const body = await answer.json().catch(() => ({}));
    if (answer.status === 401) return forget('The token was refused. Nothing was done.');
    if (!answer.ok) return tell(`${command} ${table}: ${refusalOf(answer.status, body)}`);
    const { text, mayMergeToOne } = outcomeOf(command, body);
    tell(`${command} ${table}: ${text}`, ...(mayMergeToOne ? [' ', mergeToOne(table)] : []));
  } catch (error) {
    tell(`${command} ${table}: ${silenceOf(error)}. It may or may not have been done.`);
  } finally {
    button.removeAttribute('aria-disabled');
  }
}

/** @param {unknown} error */
function silenceOf(error) {
  if (!(error instanceof Error)) return `no answer (${error})`;
  return error.name === 'TimeoutError' ? `no answer within ${ANSWER_MS / 1000} s` : `no answer (${error.message})`;
}
