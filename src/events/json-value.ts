import { messageOf, SegmentdError } from '../lib/errors.ts';

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads bytes as JSON in UTF-8; a byte order mark is skipped. Of a key that is there twice the last one counts. Throws
 * SegmentdError `event_not_json`, also for nesting that is too deep for the parser.
 */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(UTF8.decode(bytes));
  } catch (error) {
    throw new SegmentdError('event_not_json', messageOf(error), { cause: error });
  }
}

export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
