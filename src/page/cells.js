/** What stands in the cells of a table's row, and on the page of a table. */
import { h } from './dom.js';
import { reasonsOf } from './reasons.js';
import { since, untilThen } from './ticker.js';
import { counted, percent } from './words.js';
/** @import { TableChange } from '../control/recent-changes.ts' */
/** @import { TableStatus } from '../control/table-states.ts' */

/** The page of a table. @param {string} table `<database>/<table>` */
export const tablePath = (table) => `/tables/${table.split('/').map(encodeURIComponent).join('/')}`;

/** @param {string} table */
export const tableLink = (table) => h('a', { href: tablePath(table), 'data-focus': 'table' }, table);

/**
 * Whether it is known which indexes the table has: not of one that is declined or was never read.
 * @param {Pick<TableStatus, 'segments' | 'observed_at'>} table
 */
export const isSurveyed = ({ segments, observed_at }) => segments !== null && observed_at !== null;

/** @param {Pick<TableStatus, 'coverage' | 'segments' | 'observed_at'>} table */
export const coveredOf = (table) =>
  table.coverage === null && !isSurveyed(table) ? 'not known' : percent(table.coverage);

/** @param {TableStatus['state']} state */
export const badge = (state) => h('span', { class: `badge ${state}` }, state);

/** @param {TableStatus} table */
export function whyOf(table) {
  const { pause, failure, declined, self_check: wrong } = table;
  const reasons = reasonsOf(table).map(({ code, text, link, subject }) =>
    h(
      'p',
      {},
      subject !== '' && h('span', { class: 'code' }, `${subject} `),
      h('a', { href: link, 'data-focus': `${subject} ${code}` }, code),
      `: ${text}`,
    ),
  );
  return [
    ...reasons,
    failure &&
      h('p', { class: 'quiet' }, `${counted(failure.count, 'try', 'tries')}, next `, untilThen(failure.next_try_at)),
    declined?.accepted === true && h('p', { class: 'quiet' }, 'accepted in the configuration'),
    wrong &&
      h('p', {}, `${wrong.index} answered wrongly at version ${wrong.version}; evidence: ${wrong.evidence ?? 'lost'}`),
    pause && h('p', {}, 'paused ', since(pause.since), ` by ${pause.by}; its events wait, nothing is lost`),
  ];
}

/** @param {TableChange} change */
export function changeOf({ kind, version, at }) {
  const what = h('span', { class: 'together' }, `v${version} ${kind},`);
  return [what, ' ', h('span', { class: 'together' }, since(at))];
}
