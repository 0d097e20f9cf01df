/** The table of tables. */
import { badge, changeOf, coveredOf, tableLink, whyOf } from './cells.js';
import { commandButtons } from './control-panel.js';
import { arrange, byId, h, patch } from './dom.js';
import { FILTERS, inOrder, matching } from './order.js';
import { stripOf } from './strip.js';
import { readSince } from './ticker.js';
import { count, duration } from './words.js';

/** @import { TableStatus } from '../control/table-states.ts' */

/** Rows shown at first: more than that nobody reads, and a browser draws them in no time. */
const FIRST_ROWS = 100;

/** @type {TableStatus[]} */
let tables = [];
/** @type {string | null} */
let filter = null;
let words = '';
let showsAll = false;
/** @type {Map<string, { row: HTMLElement, cells: HTMLElement[] }>} */
const rows = new Map();

/** The filter of the tiles that is on. */
export const activeFilter = () => filter;

/** The names of the columns. The last one has the commands, too. */
const COLUMNS = ['table', 'state', 'rows', 'covered', 'lag', 'segments', 'last change', 'why'];

/** On a narrow screen the cells are blocks, which would be no table to a screen reader. */
const ROLES = { table: 'table', thead: 'rowgroup', tbody: 'rowgroup', tr: 'row', th: 'columnheader' };

/** @type {() => void} */
let filtered = () => {};

/**
 * Listens to the filter box and the button that shows all, and takes what the address of the page says.
 * @param {() => void} onFilter another filter is on, or none
 */
export function startTable(onFilter) {
  filtered = onFilter;
  for (const [tag, role] of Object.entries(ROLES)) {
    for (const element of document.querySelectorAll(`${tag}#tables, #tables ${tag}`))
      element.setAttribute('role', role);
  }
  const box = /** @type {HTMLInputElement} */ (byId('words'));
  const asked = new URLSearchParams(location.search);
  const asksFor = asked.get('filter');
  filter = asksFor !== null && Object.hasOwn(FILTERS, asksFor) ? asksFor : null;
  words = asked.get('words') ?? '';
  box.value = words;
  box.addEventListener('input', () => {
    words = box.value;
    remember();
  });
  byId('show-all').addEventListener('click', () => {
    showsAll = true;
    draw();
    byId('words').focus();
  });
  byId('no-filter').addEventListener('click', () => {
    box.value = '';
    words = '';
    setFilter(null);
    box.focus();
  });
}

/** @param {string | null} name */
export function setFilter(name) {
  filter = name;
  remember();
}

/** The address of the page names what is filtered, for the way back from the page of a table. */
function remember() {
  const query = new URLSearchParams({ ...(filter === null ? {} : { filter }), ...(words === '' ? {} : { words }) });
  history.replaceState(null, '', query.size > 0 ? `?${query}` : location.pathname);
  draw();
  filtered();
}

/** @param {readonly TableStatus[]} news */
export function showTables(news) {
  tables = inOrder(news);
  draw();
}

function draw() {
  const found = matching(tables, { filter, words });
  const visible = showsAll ? found : found.slice(0, FIRST_ROWS);
  const wanted = new Set(visible.map(({ table }) => table));
  for (const name of rows.keys()) if (!wanted.has(name)) rows.delete(name);
  arrange(byId('rows'), visible.map(rowOf));
  const isFiltered = filter !== null || words !== '';
  const says = isFiltered
    ? `${count(found.length)} of ${count(tables.length)} tables`
    : `${count(found.length)} tables`;
  setText('shown', `${says}${filter === null ? '' : `: ${filter}`}`);
  byId('no-filter').hidden = !isFiltered;
  const hidden = found.length - visible.length;
  byId('show-all').hidden = hidden === 0;
  byId('show-all').textContent = `show all: ${count(hidden)} more`;
}

/**
 * @param {string} id
 * @param {string} text
 */
function setText(id, text) {
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text;
}

/** @param {TableStatus} table */
function rowOf(table) {
  const known = rows.get(table.table) ?? newRow();
  rows.set(table.table, known);
  contentOf(table).forEach(([key, build], at) => {
    const cell = known.cells[at];
    if (cell) patch(cell, key, build);
  });
  return known.row;
}

function newRow() {
  const cells = COLUMNS.map((name, at) =>
    at === 0
      ? h('th', { scope: 'row', role: 'rowheader' })
      : h('td', { role: 'cell', 'data-label': name, class: name.replace(' ', '-') }),
  );
  const parts = [h('div'), h('div', { class: 'commands' })];
  cells.at(-1)?.append(...parts);
  return { row: h('tr', { role: 'row' }, ...cells), cells: [...cells.slice(0, -1), ...parts] };
}

/**
 * A key and the content for each column, of the last for both parts. Ages tick by themselves.
 * @param {TableStatus} table
 * @returns {[unknown, () => import('./dom.js').Child[]][]}
 */
function contentOf(table) {
  const {
    table: name,
    state,
    coverage,
    lag_seconds,
    indexes,
    last_change,
    pause,
    failure,
    declined,
    left_alone,
    observed_at,
  } = table;
  const buttons = commandButtons(table);
  return [
    [name, () => [tableLink(name)]],
    [[state, observed_at], () => [badge(state), ' ', observed_at !== null && readSince(observed_at)]],
    [table.rows, () => [count(table.rows)]],
    [coveredOf(table), () => [h('span', { class: coverage === null ? 'quiet' : null }, coveredOf(table))]],
    [lag_seconds, () => [lag_seconds === null ? '–' : duration(lag_seconds)]],
    [indexes, () => indexes.map(stripOf)],
    [last_change, () => (last_change ? changeOf(last_change) : ['–'])],
    [[pause, failure, declined, left_alone, table.self_check], () => whyOf(table)],
    [buttons.key, buttons.build],
  ];
}
