/** Why a table is not simply served. Pure. */
/** @import { TableStatus } from '../control/table-states.ts' */

/** Where the daemon serves its documentation. */
const DOCS = '/docs/';

/**
 * The paragraph of a page: by its anchor, and by its heading, since the pages are plain text.
 * @param {string} target such as `errors.md#table_unreadable`
 */
export function docsLink(target) {
  const [page = '', anchor = ''] = target.split('#');
  const heading = encodeURIComponent(`### ${anchor}`).replaceAll('-', '%2D');
  return `${DOCS}${encodeURIComponent(page)}${anchor === '' ? '' : `#${encodeURIComponent(anchor)}:~:text=${heading}`}`;
}

/** The paragraph of an error code. @param {string} code */
export const codeLink = (code) => docsLink(`errors.md#${code}`);

/** @typedef {{ code: string, text: string, link: string, subject: string }} Reason `subject`: the index, where it is about one */

/**
 * The reasons, the one for the state of the table first.
 * @param {Pick<TableStatus, 'declined' | 'failure' | 'left_alone' | 'docs'>} table
 * @returns {Reason[]}
 */
export function reasonsOf({ declined, failure, left_alone, docs }) {
  const all = [...[declined, failure].flatMap((reason) => (reason ? [{ ...reason, index: '' }] : [])), ...left_alone];
  return all.map(({ code, message, index }, at) => ({
    code,
    text: message,
    link: at === 0 && docs !== null ? docsLink(docs) : codeLink(code),
    subject: index,
  }));
}
