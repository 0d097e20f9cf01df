/** The head: whose daemon this is, the tiles, and whether it still answers. */
import { isControl } from './control-panel.js';
import { arrange, byId, h, patch } from './dom.js';
import { tilesOf } from './order.js';
import { activeFilter, setFilter } from './table-rows.js';
import { since } from './ticker.js';
import { clock, count, counted, duration } from './words.js';
/** @import { MemberStatus } from '../control/member-status.ts' */
/** @import { Tile } from './order.js' */

/** @param {MemberStatus} status */
export function showHead(status) {
  const { version, lancedb, member, started_at, group, topic } = status;
  const owned = partitionsOf(status);
  const mode = status.polls_every_s === null ? null : `no broker: polls every ${count(status.polls_every_s)} s`;
  patch(byId('about'), [version, lancedb, member, started_at, group, topic, owned, mode], () => [
    fact('version', `${version}, LanceDB ${lancedb}`),
    fact('member', member),
    fact('started', since(started_at)),
    ...(mode === null ? [fact('group', `${group}, ${owned}`), fact('topic', `${topic}`)] : [fact('events', mode)]),
  ]);
  showGroup(status);
  showTiles(status);
  showControlLink(status);
}

/** @param {MemberStatus} status */
function partitionsOf({ partitions, partition_count: all }) {
  return `${count(partitions.length)} of ${all === null ? 'an unknown number of' : count(all)} partitions`;
}

/**
 * @param {string} name
 * @param {Node | string} value
 */
const fact = (name, value) => h('div', {}, h('dt', {}, name), h('dd', {}, value));

/** Who else is in the group, and which partitions no member has. @param {MemberStatus} status */
function showGroup({ group_view: view, member }) {
  byId('group').hidden = view === null;
  if (view === null) return;
  const { members, unowned_partitions: unowned } = view;
  patch(byId('group-summary'), [members.length, unowned], () => [
    `${counted(members.length, 'member')} in the group`,
    unowned.length > 0 &&
      h(
        'strong',
        { class: 'alarm' },
        `, ${counted(unowned.length, 'partition')} without a member: ${unowned.join(', ')}`,
      ),
  ]);
  patch(byId('members'), [members, member], () =>
    members.map((each) =>
      h(
        'li',
        {},
        `${each.member} on ${each.host}: ${each.partitions.length > 0 ? `partitions ${each.partitions.join(', ')}` : 'no partitions'}`,
        each.member === member && ' (this one)',
      ),
    ),
  );
}

/** @type {Map<string, HTMLElement>} */
const items = new Map();

/** @param {MemberStatus} status */
function showTiles(status) {
  const tiles = tilesOf(status, duration);
  const active = activeFilter();
  arrange(
    byId('tiles'),
    tiles.map((tile) => {
      const item = items.get(tile.name) ?? h('li');
      items.set(tile.name, item);
      patch(item, [tile, active !== null && tile.filter === active], () => [tileOf(tile, active)]);
      return item;
    }),
  );
}

/**
 * A button where there is something to filter, a link where there is something to see.
 * @param {Tile} tile
 * @param {string | null} active
 */
function tileOf({ name, value, note, tone, filter, href }, active) {
  // A number and its unit stay together.
  const content = [
    h('strong', {}, value.replace(/(\d) (?=[a-z])/g, '$1\u00a0')),
    h('span', {}, name),
    note !== '' && h('small', {}, note),
  ];
  const look = `tile ${tone}`;
  if (href !== null) return h('a', { class: look, href, 'data-focus': name }, ...content);
  if (filter === null) return h('div', { class: look }, ...content);
  const isOn = filter === active;
  const button = h(
    'button',
    { type: 'button', class: look, 'aria-pressed': String(isOn), 'data-focus': name },
    ...content,
  );
  button.addEventListener('click', () => setFilter(isOn ? null : filter));
  return button;
}

/** On the listener that only shows, where commands can be given. @param {Pick<MemberStatus, 'admin_url'>} status */
export function showControlLink({ admin_url: url }) {
  const place = byId('control-link');
  // What a configuration says is not taken for a link unless it is one: it may be a Unix socket.
  const isLink = url !== null && URL.canParse(url) && /^https?:/.test(url);
  place.hidden = isControl() || !isLink;
  if (isLink)
    patch(place, url, () => [
      'This page only shows. Pause, refresh and merge on ',
      h('a', { href: new URL(location.pathname, url).href }, 'the control page'),
      '.',
    ]);
}

/** The daemon answers: takes the warning away. */
export function showAlive() {
  if (byId('banner').hidden) return;
  byId('banner').hidden = true;
  byId('banner').replaceChildren();
  document.body.classList.remove('stale');
  document.title = document.title.replace(/^STALE · /, '');
}

/**
 * There is no answer, or none that can be shown: says so at the top, in the title and by the colours.
 * @param {number | null} lastMs when there was the last one, by the clock of the reader; null for never
 * @param {string} why
 */
export function showStale(lastMs, why) {
  const from = lastMs === null ? 'Nothing to show' : `Stale since ${clock(lastMs, Date.now())}`;
  byId('banner').hidden = false;
  patch(byId('banner'), [from, why], () => [
    h('strong', {}, from),
    `: the daemon does not answer (${why}). ${lastMs === null ? 'This page goes on asking.' : 'All below is what it said then; this page goes on asking.'}`,
  ]);
  document.body.classList.add('stale');
  if (!document.title.startsWith('STALE')) document.title = `STALE · ${document.title}`;
}
