/** A file that an SDK is to send. */
import type { ReadStream } from 'node:fs';
import { createReadStream } from 'node:fs';

/**
 * Reads the file as it is sent. Somebody always hears its errors: an SDK that has given up listens no more, and a stream that finds the file
 * gone then would end the process.
 */
export function heardStream(path: string): ReadStream {
  const stream = createReadStream(path);
  stream.on('error', () => undefined);
  return stream;
}
