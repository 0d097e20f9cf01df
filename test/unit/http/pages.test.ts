import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Answer } from '../../../src/http/answer.ts';
import { text } from '../../../src/http/answer.ts';
import { startListener } from '../../../src/http/listener.ts';
import { loadPages } from '../../../src/http/pages.ts';

const pages = loadPages();
const get = (path: string) => pages.http(path, {});
const bodyOf = (answer: Answer | undefined) => (typeof answer?.body === 'string' ? answer.body : '');

/** Everything that a browser loads for the page: what it names, and what that names. */
function loaded(): Map<string, string> {
  const found = new Map([['/', bodyOf(get('/'))]]);
  for (const [path, body] of found) {
    const named = [...body.matchAll(/(?:href|src)="(\/assets\/[^"]+)"|from '\.\/([^']+)'/g)];
    for (const [, absolute, beside] of named) {
      const next = absolute ?? `/assets/${beside}`;
      if (next !== path && !found.has(next)) found.set(next, bodyOf(get(next)));
    }
  }
  return found;
}

test('the page and all that it loads have at most 60 kB, and nothing is served that it does not load', () => {
  const files = loaded();
  const assets = readdirSync(new URL('../../../src/page', import.meta.url)).filter((name) => name !== 'page.html');
  expect([...files.keys()].sort()).toEqual(['/', ...assets.map((name) => `/assets/${name}`)].sort());
  expect([...files.values()].filter((body) => body === '')).toEqual([]);
  const bytes = [...files.values()].reduce((sum, body) => sum + Buffer.byteLength(body), 0);
  expect(bytes).toBeGreaterThan(20_000);
  expect(bytes).toBeLessThanOrEqual(60_000);
});

test('nothing is from elsewhere, and nothing is inline that the policy would forbid', () => {
  for (const [path, body] of loaded()) {
    const elsewhere = [...body.matchAll(/(?:https?:)?\/\/[a-z0-9.-]+\.[a-z]+/g)].map(([url]) => url);
    expect([path, elsewhere.filter((url) => url !== 'http://www.w3.org')]).toEqual([path, []]);
    expect(body).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function/);
  }
  expect(bodyOf(get('/'))).not.toMatch(/<style|<script(?! type="module" src=)| style=| on[a-z]+=/);
});

test('comments stay behind, code does not', () => {
  const body = bodyOf(get('/assets/words.js'));
  expect(body).not.toContain('/**');
  expect(body).toContain('export function duration(');
});

test('each listener has its page, for all tables and for one', () => {
  expect(bodyOf(pages.http('/', {}))).toContain('content="http"');
  expect(bodyOf(pages.admin('/', {}))).toContain('content="admin"');
  expect(bodyOf(get('/tables/lake/a%2Fb'))).toBe(bodyOf(get('/')));
});

test('other paths are not of the page, however they are spelled', () => {
  const others = [
    '/tables/lake',
    '/tables/a/b/c',
    '/assets/',
    '/assets/page.html',
    '/assets/../http/pages.ts',
    '/status',
  ];
  expect([...others, '/assets/%2e%2e/main.ts', '/docs/decisions', '/docs/../package.json', '//'].filter(get)).toEqual(
    [],
  );
});

test('the documentation is there as text', () => {
  expect(get('/docs/errors.md')).toMatchObject({ status: 200, type: 'text/plain; charset=utf-8' });
  expect(bodyOf(get('/docs/errors.md'))).toContain('### table_unreadable');
});

test('browsers may run what comes from here and nothing else, and ask again for what they kept', async () => {
  const server = await startListener({
    ...{ host: '127.0.0.1', port: 0, section: 'http' },
    answer: async ({ path, headers }) => pages.http(path, headers) ?? text(404, 'not found'),
    failed: () => ({ body: '' }),
  });
  try {
    const url = `http://127.0.0.1:${server.port}/assets/page.js`;
    const first = await fetch(url);
    expect(Object.fromEntries(first.headers)).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
    });
    const etag = first.headers.get('etag') ?? '';
    const again = (known: string) => fetch(url, { headers: { 'if-none-match': known } });
    const answers = [await again(etag), await again(`"x", W/${etag}`), await again('"x"')];
    expect(answers.map(({ status }) => status)).toEqual([304, 304, 200]);
    expect(answers[0]?.headers.get('content-length')).toBeNull();
    expect(await answers[0]?.text()).toBe('');
  } finally {
    await server.close();
  }
});
