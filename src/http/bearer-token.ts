/** Whether a request carries the token. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

const hash = (text: string) => createHash('sha256').update(text).digest();

/** Of hashes, so that the time an answer takes tells neither the token nor how long it is. */
export function carriesToken({ authorization = '' }: IncomingMessage['headers'], token: string): boolean {
  return timingSafeEqual(hash(authorization), hash(`Bearer ${token}`));
}
