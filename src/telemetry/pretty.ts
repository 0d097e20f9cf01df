/** Log lines for people: `12:00:01.250 INFO  batch covered table=lake/events version=7`. */

/** A JSON line as pino writes it, as one plain line. What is not such a line stays as it is. */
export function prettyLine(line: string): string {
  const record = parse(line);
  if (record === undefined) return line;
  const { time, level, msg, event: _, ...fields } = record;
  const clock = typeof time === 'string' ? time.slice(11, 23) : '';
  const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${plain(value)}`);
  return `${clock} ${String(level).toUpperCase().padEnd(5)} ${msg ?? ''}${rest.join('')}\n`;
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** Strings that could be mistaken for several words are quoted, as is everything with structure. */
function plain(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
