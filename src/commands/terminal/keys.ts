/** Keys out of what a terminal sends, which may hold several, a part of one, or a part of a character. */
import { StringDecoder } from 'node:string_decoder';

const ESC = String.fromCharCode(27);
/** An escape sequence as arrows and the like send it, or one character: ECMA-48, 5.4, and SS3. */
const KEY = new RegExp(String.raw`${ESC}\[[0-9;?]*[ -/]*[@-~]|${ESC}O[ -~]|[\s\S]`, 'gu');
/** The beginning of a sequence. Escape alone is a key. */
const BEGUN = new RegExp(String.raw`${ESC}(?:\[[0-9;?]*[ -/]*|O)$`);

/** A function that returns the keys of each piece; what a piece only begins comes with the next one. */
export function keyReader(): (bytes: Uint8Array) => string[] {
  const decoder = new StringDecoder('utf8');
  let begun = '';
  return (bytes) => {
    const text = begun + decoder.write(Buffer.from(bytes));
    begun = BEGUN.exec(text)?.[0] ?? '';
    return text.slice(0, text.length - begun.length).match(KEY) ?? [];
  };
}
