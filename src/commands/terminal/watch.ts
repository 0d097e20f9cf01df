/** Repeats a report at an interval: a screen that is redrawn on a terminal, lines otherwise. */
import { asSegmentdError } from '../../lib/errors.ts';
import { sleep } from '../../lib/sleep.ts';
import { errorAnswer } from './error-answer.ts';
import type { Io, Output } from './io.ts';
import { printableLines, printJson, printLine } from './output.ts';
import { cut } from './style.ts';

/** One look: what `--json` prints, and the same for people. */
export type Look = () => Promise<{ readonly json: unknown; readonly text: string }>;

type WatchOptions = { readonly intervalMs: number; readonly json: boolean };

/**
 * Resolves after an interrupt. The first look throws what it meets; later ones print it and go on, since what is watched
 * may be in the middle of a change.
 */
export async function watch({ stdout, onInterrupt }: Io, look: Look, options: WatchOptions): Promise<void> {
  const stopping = new AbortController();
  const stopListening = onInterrupt(() => stopping.abort());
  try {
    await lookUntil(stopping.signal, stdout, look, options);
  } finally {
    stopListening();
  }
}

async function lookUntil(
  signal: AbortSignal,
  out: Output,
  look: Look,
  { intervalMs, json }: WatchOptions,
): Promise<void> {
  for (let first = true; !signal.aborted; first = false) {
    const seen = await look().catch((thrown: unknown) => {
      if (first) throw thrown;
      const error = asSegmentdError(thrown);
      return { json: errorAnswer(error), text: `${error.code}: ${printableLines(error.message)}` };
    });
    if (signal.aborted) break;
    if (json) printJson(out, seen.json);
    else if (out.isTTY)
      out.write(`${first ? CLEAR : ''}${screenOf(seen.text, out.rows || Infinity, out.columns || Infinity)}`);
    else printLine(out, `${seen.text}\n`);
    await sleep(intervalMs, signal);
  }
}

const CLEAR = '\x1b[2J';
const HOME = '\x1b[H';
const CLEAR_REST_OF_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/**
 * The first lines of the text, as many as fit and as much of each, since a line that wraps takes two, from the top left corner
 * on. The last says how many did not fit, and `…` where a line is cut. What stood there is overwritten rather than cleared first, which would flicker.
 */
export function screenOf(text: string, rows: number, columns = Infinity): string {
  const all = text.split('\n');
  const room = Math.max(1, rows - 1);
  const more = all.length - room + 1;
  const kept =
    all.length <= room ? all : [...all.slice(0, room - 1), `… ${more} more lines: the terminal is too low for them`];
  const lines = kept.map((line) => cut(line, columns));
  return `${HOME}${lines.map((line) => `${line}${CLEAR_REST_OF_LINE}\n`).join('')}${CLEAR_BELOW}`;
}
