/** The token that operators send with their requests. */
import { SegmentdError } from './errors.ts';
import { secretOf } from './secret.ts';

/** What arrives in a header as it was sent, RFC 9110 5.5: other characters are refused by clients, and spaces around it are dropped. */
export const TOKEN_PATTERN = String.raw`^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$`;
const TOKEN = new RegExp(TOKEN_PATTERN);

/** With `admin.requests_per_s` at its default, 16 hexadecimal digits are not guessed in a billion years; words are in a day. */
const LEAST_CHARS = 16;

/** Why no request could carry the token, or undefined. Does not repeat it. */
export function tokenProblem(token: string): string | undefined {
  if (TOKEN.test(token)) return undefined;
  return 'has characters that no request carries: take ASCII letters, digits and signs, as `openssl rand -hex 32` prints them';
}

/** Why the token can be guessed, or undefined. */
export function weakness(token: string): string | undefined {
  if (token.length >= LEAST_CHARS) return undefined;
  return `has fewer than ${LEAST_CHARS} characters, and can be guessed: take a random one, as \`openssl rand -hex 32\` prints it`;
}

/** `value`, else what `file` holds. Errors: config_invalid when it cannot be read, or is no token that a request could carry. */
export function tokenOf(value: string | undefined, file: string | undefined): string | undefined {
  const token = secretOf(value, file);
  const problem = token === undefined ? undefined : tokenProblem(token);
  if (problem === undefined) return token;
  throw new SegmentdError('config_invalid', `${value === undefined ? file : 'the token'} ${problem}`);
}
