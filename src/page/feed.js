/**
 * What the daemon says, as it says it: a stream of events, and where there is none, a question every two seconds. An answer that does not
 * come is told, since a page that looks fine while it is not is worse than none.
 */
import { eventReader } from './sse.js';

/**
 * @typedef {object} FeedParts
 * @property {string} url answers with the value
 * @property {string | null} stream answers with events that hold the value; null to ask only
 * @property {number} [pollMs] between two questions
 * @property {() => Record<string, string>} headers
 * @property {(value: any, date: string | null) => void} news `date`: when the answer was made, where it is known
 * @property {() => void} alive something was heard
 * @property {(why: string) => void} silent there is no answer
 * @property {(status: number, error: string) => void} refused there is an answer, which is not the value
 * @property {typeof globalThis.fetch} fetch
 * @property {(ms: number, signal: AbortSignal) => Promise<void>} sleep
 */

/** The daemon sends a comment every 15 s. A stream that is silent for longer is one that hangs. */
const SILENCE_MS = 18_000;
const ANSWER_MS = 5_000;
const POLL_MS = 2_000;
/** Between the end of a stream and the question what has become of the daemon. */
const AFTER_STREAM_MS = 500;
/** Where the stream does not work, it is tried again once a minute. */
const POLLS_PER_TRY = 30;

/**
 * Runs until the signal fires.
 * @param {FeedParts} parts
 * @param {AbortSignal} signal
 */
export async function follow(parts, signal) {
  let polls = POLLS_PER_TRY;
  while (!signal.aborted) {
    const answered = await ask(parts, signal);
    polls = answered ? polls + 1 : POLLS_PER_TRY;
    if (answered && parts.stream !== null && polls >= POLLS_PER_TRY) {
      polls = (await readStream(parts, parts.stream, signal)) ? POLLS_PER_TRY : 0;
      if (signal.aborted) return;
      await parts.sleep(AFTER_STREAM_MS, signal);
    } else await parts.sleep(parts.pollMs ?? POLL_MS, signal);
  }
}

/**
 * One question. Returns whether the value came.
 * @param {FeedParts} parts
 * @param {AbortSignal} signal
 */
async function ask({ url, headers, fetch, news, alive, silent, refused }, signal) {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`no answer within ${ANSWER_MS / 1000} s`)), ANSWER_MS);
  try {
    const answer = await fetch(url, {
      headers: headers(),
      cache: 'no-store',
      signal: AbortSignal.any([signal, late.signal]),
    });
    if (!answer.ok) {
      refused(answer.status, await errorOf(answer));
      return false;
    }
    const value = await answer.json();
    alive();
    news(value, answer.headers.get('date'));
    return true;
  } catch (error) {
    if (!signal.aborted) silent(messageOf(error));
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Reads the stream to its end. Returns whether an event came.
 * @param {FeedParts} parts
 * @param {string} url
 * @param {AbortSignal} signal
 */
async function readStream({ headers, fetch, news, alive }, url, signal) {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), ANSWER_MS);
  let events = 0;
  try {
    const answer = await fetch(url, {
      headers: { ...headers(), accept: 'text/event-stream' },
      cache: 'no-store',
      signal: AbortSignal.any([signal, silence.signal]),
    });
    if (!answer.ok || !answer.body) return false;
    const read = eventReader();
    const pieces = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let piece = await pieces.read(); !piece.done; piece = await pieces.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      alive();
      for (const data of read(piece.value)) {
        events += 1;
        news(JSON.parse(data), null);
      }
    }
  } catch {
    // The next question says what is wrong, if something is.
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
  return events > 0;
}

/** @param {Response} answer */
async function errorOf(answer) {
  const body = await answer.json().catch(() => ({}));
  return typeof body.error === 'string' ? body.error : `HTTP ${answer.status}`;
}

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? error.message : String(error));
