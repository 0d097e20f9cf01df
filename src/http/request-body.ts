/** Bodies of requests. None is asked for, and clients send some all the same. */
import type { IncomingMessage } from 'node:http';

/** What a client may send for nothing. */
const MOST_BYTES = 64 * 1024;

/** False for a request that says that its body is too long. One that does not say so is cut off when it gets there. */
export function boundedBody(request: IncomingMessage): boolean {
  if (Number(request.headers['content-length'] ?? 0) > MOST_BYTES) return false;
  let bytes = 0;
  request.on('data', (piece: Buffer) => {
    bytes += piece.byteLength;
    if (bytes > MOST_BYTES) request.destroy();
  });
  // It was cut off, here or by the client: the response tells.
  request.on('error', () => undefined);
  return true;
}
