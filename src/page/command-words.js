/** What became of a command, in words. Pure. */
import { count, counted } from './words.js';

/** @typedef {{ index: string, segments: number, rows: number }} Merge */
/**
 * @typedef {object} Work what the daemon says of merge and optimize
 * @property {string} outcome
 * @property {number | null} [to]
 * @property {readonly Merge[]} [merges]
 * @property {{ fragments_removed: number, fragments_added: number }} [compaction]
 */
/** @typedef {{ work?: Work, paused?: boolean | undefined, indexes?: readonly { segments: readonly unknown[] }[] }} Answer */
/** @typedef {{ text: string, mayMergeToOne: boolean }} Outcome */

/**
 * What an answer of success says; `mayMergeToOne`: the policy left segments that a merge to one would take.
 * @param {string} command
 * @param {Answer} answer
 * @returns {Outcome}
 */
export function outcomeOf(command, { work, paused, indexes = [] }) {
  const isSplit = indexes.some(({ segments }) => segments.length > 1);
  const mayMergeToOne = work?.outcome === 'nothing_due' && isSplit;
  return { text: work ? workWords(work, isSplit) : plainWords(command, paused), mayMergeToOne };
}

/**
 * @param {string} command
 * @param {boolean | undefined} paused
 */
function plainWords(command, paused) {
  if (command === 'refresh') return 'asked for: it is read and planned as soon as it is idle';
  if (paused !== (command === 'pause')) return 'asked for';
  return paused ? 'paused; its events wait, nothing is lost' : 'resumed; what waited is worked on now';
}

/**
 * @param {Work} work
 * @param {boolean} isSplit
 */
function workWords(work, isSplit) {
  switch (work.outcome) {
    case 'begun':
      return `begun: ${forecast(work)}`;
    case 'waits':
      return `waits until the indexes cover the table, then: ${forecast(work)}`;
    case 'sent':
      return `sent to the member that owns the table: ${forecast(work)}`;
    case 'under_way':
      return 'already under way, as it was asked for before';
    case 'nothing_due':
      return isSplit
        ? 'nothing to merge: the merge policy lets the segments stay as they are'
        : 'nothing to merge: no index has more than one segment';
    default:
      return work.outcome;
  }
}

/** @param {Work} work */
function forecast({ merges, compaction }) {
  if (merges)
    return merges
      .map(({ index, segments, rows }) => `${counted(segments, 'segment')} of ${index}, ${counted(rows, 'row')}`)
      .join('; ');
  if (!compaction || compaction.fragments_removed === 0)
    return 'no fragments to compact, only old versions to clean up';
  const { fragments_removed: from, fragments_added: to } = compaction;
  return `about ${counted(from, 'fragment')} become ${count(to)}`;
}

/**
 * What an answer of refusal says.
 * @param {number} status
 * @param {{ code?: unknown, error?: unknown, hint?: unknown }} body
 */
export function refusalOf(status, { code, error, hint }) {
  const parts = [code, error].filter((part) => typeof part === 'string').join(': ');
  return `refused, ${parts || `HTTP ${status}`}${typeof hint === 'string' ? `. ${hint}` : ''}`;
}

/**
 * A token as it was typed, without spaces around it; null for what no request can carry.
 * @param {string} typed
 */
export function tokenOf(typed) {
  const token = typed.trim();
  return /^[\x20-\x7e]+$/.test(token) ? token : null;
}
