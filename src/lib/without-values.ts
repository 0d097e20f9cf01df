/** Shorter ones are words such as `true`, which say nothing and would hide half of a message. */
const LEAST_CHARACTERS = 6;

/** A text of somebody else's, an SDK's or the engine's, without any of the values that must not be printed. */
export function withoutValues(text: string, values: Iterable<string>): string {
  let left = text;
  for (const value of values) if (value.length >= LEAST_CHARACTERS) left = left.replaceAll(value, '[hidden]');
  return left;
}
