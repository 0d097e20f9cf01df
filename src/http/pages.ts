/** The status page, and the documentation that it links to. Both hold nothing secret: what they show comes from `/status`. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { extname } from 'node:path';
import { shippedFile } from '../lib/shipped-file.ts';
import type { Answer } from './answer.ts';

/** The answer to a path of the page; undefined for all others. */
export type Pages = (path: string, headers: IncomingMessage['headers']) => Answer | undefined;

const ASSETS = new URL('../page/', import.meta.url);
const DOCS = shippedFile('docs/');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  // As text: a browser would offer Markdown as a download.
  '.md': 'text/plain; charset=utf-8',
};

/** Nothing from elsewhere, nothing inline, in nobody's frame. */
const HEADERS = {
  'content-security-policy': [
    ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:"],
    ...["frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"],
  ].join('; '),
  'referrer-policy': 'no-referrer',
  // Kept, and asked for each time: another version of the daemon has another page.
  'cache-control': 'no-cache',
};

type Page = { readonly body: string; readonly type: string; readonly etag: string };

/** The pages of the two listeners: that of `http` shows, that of `admin` asks for the token and gives commands. */
type PagesOfListeners = Readonly<Record<'http' | 'admin', Pages>>;

/** Reads the page and the documentation, once. Without `anonymous` that of `http` asks for the token, too. */
export function loadPages({ anonymous = true }: { readonly anonymous?: boolean } = {}): PagesOfListeners {
  const files = new Map<string, Page>();
  for (const [name, text] of filesIn(ASSETS, ['.css', '.js'])) {
    files.set(`/assets/${name}`, pageOf(extname(name), withoutComments(text)));
  }
  for (const [name, text] of filesIn(DOCS, ['.md'])) files.set(`/docs/${name}`, pageOf('.md', text));
  const html = readFileSync(new URL('page.html', ASSETS), 'utf8');
  const pagesOf = (listener: string): Pages => {
    const start = pageOf('.html', html.replace('{listener}', listener));
    return (path, headers) => {
      const page = path === '/' || TABLE_PAGE.test(path) ? start : files.get(path);
      return page && answerOf(page, headers);
    };
  };
  return { http: pagesOf(anonymous ? 'http' : 'locked'), admin: pagesOf('admin') };
}

const TABLE_PAGE = /^\/tables\/[^/]+\/[^/]+$/;

/** None where there is no folder: an image may leave the documentation out. */
function filesIn(folder: URL, kinds: readonly string[]): Map<string, string> {
  const names = (existsSync(folder) ? readdirSync(folder) : []).filter((name) => kinds.includes(extname(name)));
  return new Map(names.map((name) => [name, readFileSync(new URL(name, folder), 'utf8')]));
}

/** Comments with lines of their own are for those who change the page, not for those who read it at night over a telephone. */
const withoutComments = (text: string): string => text.replace(/^ *\/\*\*.*?\*\/\n/gms, '');

function pageOf(kind: string, body: string): Page {
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  return { body, type: TYPES[kind] ?? 'text/plain', etag };
}

function answerOf({ body, type, etag }: Page, { 'if-none-match': known }: IncomingMessage['headers']): Answer {
  const isKnown = known?.split(',').some((it) => it.trim().replace(/^W\//, '') === etag) ?? false;
  const headers = { ...HEADERS, etag };
  return isKnown ? { status: 304, body: '', type, headers } : { status: 200, type, body, headers };
}
