/** Text from outside that hides nothing where it is shown. */

/** Characters that show nothing, or change how others are shown. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}]/gu;

const escaped = (character: string) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;

/** On one line: a character that cannot be seen, or that turns the direction of others, is an escape such as `\u{202e}`. */
export const visible = (text: string): string => text.replace(UNSEEN, escaped);

/** The same for text of several lines, whose ends stay. */
export const visibleLines = (text: string): string => text.split('\n').map(visible).join('\n');
