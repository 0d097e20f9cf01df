/** Colours and widths of what is printed for people. */
import { stripVTControlCharacters, styleText } from 'node:util';
import type { Environment } from '../../config/env.ts';
import type { Output } from './io.ts';

/** What a colour says, so that a reader without colours misses nothing: the words say it too. */
export type Tone = 'good' | 'doubtful' | 'bad' | 'quiet';

export type Style = {
  /** Characters of a line. */
  readonly width: number;
  paint(tone: Tone, text: string): string;
};

const COLOURS = { good: 'green', doubtful: 'yellow', bad: 'red', quiet: 'gray' } as const;

/** Of a line in a file or a pipe, where nothing tells. */
export const PLAIN_WIDTH = 80;

export const PLAIN: Style = { width: PLAIN_WIDTH, paint: (_, text) => text };

/** Colours on a terminal. NO_COLOR switches them off and FORCE_COLOR on, for pipes: https://no-color.org, https://force-color.org. */
export function styleOf(out: Output, env: Environment): Style {
  const width = (out.isTTY && out.columns) || PLAIN_WIDTH;
  return hasColours(out, env)
    ? { width, paint: (tone, text) => styleText(COLOURS[tone], text, { validateStream: false }) }
    : { ...PLAIN, width };
}

function hasColours(out: Output, { NO_COLOR, FORCE_COLOR, TERM }: Environment): boolean {
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return out.isTTY === true && TERM !== 'dumb';
}

/** Characters that a text takes on a terminal. */
export const widthOf = (text: string): number => [...stripVTControlCharacters(text)].length;

/** A change of colour. */
const COLOUR = new RegExp(String.raw`${String.fromCharCode(27)}\[[0-9;]*m`, 'y');

/** The text in at most `width` characters; one that is cut ends in `…`. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let [kept, taken, at] = ['', 0, 0];
  while (at < text.length) {
    COLOUR.lastIndex = at;
    const [colour] = COLOUR.exec(text) ?? [];
    // What was begun in a colour ends, also behind the cut.
    if (colour) kept += colour;
    const character = colour ?? String.fromCodePoint(text.codePointAt(at) ?? 0);
    if (!colour && taken === width - 1) kept += '…';
    if (!colour && taken < width - 1) kept += character;
    if (!colour) taken++;
    at += character.length;
  }
  return kept;
}
