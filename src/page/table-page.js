/** The page of one table. */
import { badge, changeOf, coveredOf, isSurveyed, whyOf } from './cells.js';
import { chartOf } from './chart.js';
import { TIMES } from './chart-shape.js';
import { commandButtons } from './control-panel.js';
import { byId, h, patch } from './dom.js';
import { showControlLink } from './head.js';
import { showChanges } from './recent-lists.js';
import { segmentTable, stripOf } from './strip.js';
import { now, since } from './ticker.js';
import { count, counted, duration } from './words.js';
/** @import { Child } from './dom.js' */
/** @import { MemberTable } from '../control/member-status.ts' */

/** The table that the address names, `<database>/<table>`; null on the page of all tables. */
export function tableOfPage() {
  const [, database, table] = /^\/tables\/([^/]+)\/([^/]+)$/.exec(location.pathname) ?? [];
  return database === undefined || table === undefined
    ? null
    : `${decodeURIComponent(database)}/${decodeURIComponent(table)}`;
}

/** @param {MemberTable} detail */
export function showDetail(detail) {
  const { table, state, rows, lag_seconds, version, covered_version, observed_at, last_change } = detail;
  byId('table-name').textContent = table;
  byId('detail-view').textContent = `As member ${detail.member} sees it.`;
  showControlLink(detail);
  patch(byId('facts'), { ...detail, changes: null, history: null }, () => [
    fact('state', [badge(state)]),
    fact('rows', [count(rows)]),
    fact('covered', [coveredOf(detail)]),
    fact('lag', [lag_seconds === null ? '–' : duration(lag_seconds)]),
    fact('segments', [segmentsOf(detail)]),
    fact('version', [`${count(version)}, covered up to ${count(covered_version)}`]),
    fact('read', observed_at ? [since(observed_at)] : ['not yet']),
    fact('last change', last_change ? changeOf(last_change) : ['–']),
  ]);
  patch(byId('why'), [detail.pause, detail.failure, detail.declined, detail.left_alone, detail.self_check], () =>
    whyOf(detail),
  );
  const buttons = commandButtons(detail);
  patch(byId('commands'), buttons.key, buttons.build);
  patch(byId('indexes'), [detail.indexes, isSurveyed(detail)], () => {
    if (detail.indexes.length > 0) return detail.indexes.map(indexOf);
    const says = isSurveyed(detail) ? 'This table has no index.' : 'What its indexes cover is not known.';
    return [h('p', { class: 'quiet' }, says)];
  });
  showCharts(detail);
  showChanges(detail.changes, false);
}

/**
 * @param {string} name
 * @param {Child[]} value
 */
const fact = (name, value) => h('div', {}, h('dt', {}, name), h('dd', {}, ...value));

/** Of all indexes, and of each where there are several. @param {MemberTable} detail */
function segmentsOf({ segments, indexes }) {
  const each = indexes.map((index) => `${index.name} ${count(index.segments.length)}`).join(', ');
  return indexes.length > 1 ? `${count(segments)} in all: ${each}` : count(segments);
}

/** @param {MemberTable['indexes'][number]} index */
function indexOf(index) {
  const { name, segments } = index;
  const list = h('details', {}, h('summary', { 'data-focus': `list ${name}` }, counted(segments.length, 'segment')));
  list.addEventListener('toggle', () => {
    if (list.open && !list.querySelector('table')) list.append(segmentTable(segments));
  });
  return h('div', { class: 'index' }, stripOf(index), list);
}

/** @param {MemberTable} detail */
function showCharts({ history, lag_seconds, segments }) {
  const nowMs = now();
  /**
   * @param {(point: MemberTable['history'][number]) => number} value
   * @param {number | null} latest null when it is not known
   */
  const series = (value, latest) => [
    ...history.map((point) => ({ at: Date.parse(point.at), value: value(point) })),
    ...(latest === null ? [] : [{ at: nowMs, value: latest }]),
  ];
  const lags = series((point) => point.lag_seconds, segments === null ? null : (lag_seconds ?? 0));
  const counts = series((point) => point.segments, segments);
  patch(byId('charts'), [lags, counts], () => [
    chartOf('Lag', lags, nowMs, duration, TIMES),
    chartOf('Segments of all indexes', counts, nowMs, (value) => count(value)),
  ]);
}
