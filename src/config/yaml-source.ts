/** The configuration file as data, with the place of every key for messages. */
import { readFileSync } from 'node:fs';
import type { Document } from 'yaml';
import { LineCounter, parseDocument } from 'yaml';
import { errnoOf, SegmentdError } from '../lib/errors.ts';

export type Source = {
  /** Plain data; `undefined` when the text is not YAML. */
  readonly data: unknown;
  /** Problems of the text itself: syntax, duplicate keys, unknown tags. */
  readonly problems: readonly { readonly at: string; readonly message: string }[];
  /** `file:line:column` of the deepest part of `path` that is written in the file. */
  readonly placeOf: (path: readonly PropertyKey[]) => string;
};

/** Throws `config_unreadable` when the file cannot be read. */
export function readSource(file: string): Source {
  try {
    return parseSource(readFileSync(file, 'utf8'), file);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    throw new SegmentdError('config_unreadable', `cannot read ${file}: ${errno}`, { cause: error });
  }
}

/** Parses YAML 1.2. An empty document is an empty configuration. */
function parseSource(text: string, file: string): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const problems = [...document.errors, ...document.warnings].map(({ pos, message }) => ({
    at: place(pos[0]),
    message,
  }));
  const placeOf = (path: readonly PropertyKey[]): string => {
    for (let length = path.length; length > 0; length--) {
      const node = document.getIn(path.slice(0, length), true);
      const range = typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
      if (Array.isArray(range)) return place(range[0] as number);
    }
    return file;
  };
  if (problems.length > 0) return { data: undefined, problems, placeOf };
  const content = contentOf(document);
  return content
    ? { data: content.value ?? {}, problems, placeOf }
    : { data: undefined, problems: [{ at: file, message: BAD_ALIAS }], placeOf };
}

/** Not the library's words, which quote the alias: an unquoted password may look like one. */
export const BAD_ALIAS =
  'a value that begins with * and is not quoted is an alias, which leads nowhere or grows without bound';

/** The content of a document without errors, undefined for what yaml finds out only here: aliases that cannot be resolved. */
export function contentOf(document: Document.Parsed): { readonly value: unknown } | undefined {
  try {
    return { value: document.toJS() };
  } catch {
    return undefined;
  }
}
