/** The foot: what was committed last, and what no table was found in. */
import { tableLink } from './cells.js';
import { byId, h, patch } from './dom.js';
import { codeLink } from './reasons.js';
import { now, since } from './ticker.js';
import { clock, counted, day, duration } from './words.js';
/** @import { DeadLetterEntry } from '../control/dead-letter-log.ts' */
/** @import { MemberStatus } from '../control/member-status.ts' */
/** @import { TableChange } from '../control/recent-changes.ts' */

/** @param {MemberStatus['recent']} recent */
export function showRecent({ changes, dead_letters }) {
  showChanges(changes, true);
  patch(byId('dead-letter-list'), [dead_letters, day(now())], () => dead_letters.map(letterOf));
  byId('no-dead-letters').hidden = dead_letters.length > 0;
}

/**
 * @param {readonly TableChange[]} changes newest first
 * @param {boolean} namesTable
 */
export function showChanges(changes, namesTable) {
  patch(byId('change-list'), [changes, day(now())], () =>
    changes.map(({ at, table, kind, version, rows, segments, duration_ms }) =>
      h(
        'li',
        {},
        time(at),
        namesTable && tableLink(table),
        ` v${version} ${kind}: ${counted(rows, 'row')} in ${counted(segments, 'segment')}, ${duration(duration_ms / 1000)}`,
      ),
    ),
  );
  byId('no-changes').hidden = changes.length > 0;
}

/** @param {DeadLetterEntry} letter */
function letterOf({ at, code, message, topic, partition, offset, value }) {
  return h(
    'li',
    {},
    time(at),
    h('a', { href: codeLink(code), 'data-focus': `${partition}@${offset}` }, code),
    ` ${topic}/${partition}@${offset}`,
    h('span', { class: 'quiet' }, ` ${message}`),
    h('code', { class: 'value' }, value),
  );
}

/** @param {string} at */
const time = (at) => h('span', { class: 'at' }, clock(at, now()), ' (', since(at), ') ');
