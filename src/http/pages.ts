/** The status page, and the documentation that it links to. Both hold nothing secret: what they show comes from `/status`. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { extname } from 'node:path';
import type { Answer } from './listener.ts';

/** Which listener serves the page: `http` shows, `admin` asks for the token and takes commands. */
type Listener = 'http' | 'admin';

/** The answer to a path of the page; undefined for all others. */
export type Pages = (path: string, headers: IncomingMessage['headers']) => Answer | undefined;

const ASSETS = new URL('../page/', import.meta.url);
const DOCS = new URL('../../docs/', import.meta.url);

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
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  // Kept, and asked for each time: another version of the daemon has another page.
  'cache-control': 'no-cache',
};

type Page = { readonly body: string; readonly type: string; readonly etag: string };

/** Reads the page and the documentation, once. `listener`: the one that serves them. */
export function loadPages(listener: Listener): Pages {
  const assets = filesIn(ASSETS, ['.html', '.css', '.js']);
  const docs = filesIn(DOCS, ['.md']);
  const html = pageOf('.html', (assets.get('page.html') ?? '').replace('{listener}', listener));
  const pages = new Map<string, Page>();
  for (const [name, text] of assets)
    if (name !== 'page.html') pages.set(`/assets/${name}`, pageOf(extname(name), withoutComments(text)));
  for (const [name, text] of docs) pages.set(`/docs/${name}`, pageOf('.md', text));
  return (path, headers) => {
    const page = path === '/' || TABLE_PAGE.test(path) ? html : pages.get(path);
    return page && answerOf(page, headers);
  };
}

const TABLE_PAGE = /^\/tables\/[^/]+\/[^/]+$/;

function filesIn(folder: URL, kinds: readonly string[]): Map<string, string> {
  const names = readdirSync(folder).filter((name) => kinds.includes(extname(name)));
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
