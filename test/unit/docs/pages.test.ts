/** Holds the pages a reader sees to the repository: their links, paths, scripts and commands exist, and the front page stays short. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { program } from '../../../src/commands/cli.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const DOCS = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.md'))
  .map((path) => `docs/${path}`);
const PAGES = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', ...DOCS];

/** Each in a file of its name. */
const BENCHMARKS = readdirSync(join(ROOT, 'bench/scenarios'))
  .map((file) => file.replace(/\.ts$/, ''))
  .filter((name) => name !== 'catalogue');

const BLOCK = /^ *```.*?^ *```$/gms;
const withoutBlocks = (text: string) => text.replace(BLOCK, '');

/** The lines of code blocks, and what stands between backquotes in the text. */
function codeOf(text: string): string[] {
  const blocks = [...text.matchAll(BLOCK)].flatMap(([block]) => block.split('\n'));
  const spans = [...withoutBlocks(text).matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span);
  return [...blocks, ...spans];
}

/** Relative links of a page as `path#anchor`, the path from the root of the repository. */
function linksOf(page: string): string[] {
  const targets = [...withoutBlocks(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => (target.startsWith('#') ? `${page}${target}` : posix.join(dirname(page), target)));
}

/** The anchors that GitHub gives the headings of a page. */
function anchorsOf(page: string): string[] {
  const headings = [...withoutBlocks(read(page)).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function commandNamed(words: readonly string[]): Command | undefined {
  let command: Command | undefined = program();
  let found: Command | undefined;
  for (const word of words) {
    command = command.commands.find((it) => it.name() === word);
    if (!command) break;
    found = command;
  }
  return found;
}

test('the front page has at most 110 lines and 700 words', () => {
  const readme = read('README.md');
  expect(readme.trimEnd().split('\n').length).toBeLessThanOrEqual(110);
  expect(readme.split(/\s+/).filter(Boolean).length).toBeLessThanOrEqual(700);
});

test('every page can be reached from the front page', () => {
  const reached = new Set(['README.md']);
  for (const page of reached) {
    for (const link of linksOf(page)) {
      const [path = ''] = link.split('#');
      if (PAGES.includes(path)) reached.add(path);
    }
  }
  expect(PAGES.filter((page) => !reached.has(page))).toEqual([]);
});

describe.each(PAGES)('%s', (page) => {
  test('links to files and headings that exist', () => {
    const broken = linksOf(page).filter((link) => {
      const [path = '', anchor] = link.split('#');
      if (!existsSync(join(ROOT, path))) return true;
      return anchor !== undefined && !anchorsOf(path).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  test('names files and npm scripts that exist', () => {
    const text = read(page);
    const paths = [...text.matchAll(/\b(?:src|test|bench|scripts|config|testing|schemas)\/[\w./-]*\.\w+/g)];
    expect(paths.map(([path]) => path).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...text.matchAll(/\bnpm run ([\w:-]*\w)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  test('names benchmarks that exist', () => {
    const named = [...read(page).matchAll(/\bnpm run bench -- (\w+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !['all', ...BENCHMARKS].includes(name))).toEqual([]);
  });

  test('shows commands and options that exist', () => {
    const lines = codeOf(read(page)).flatMap((code) => /^ *segmentd (.+)$/.exec(code)?.[1] ?? []);
    const unknown = lines.filter((line) => {
      const words = line.replace(/#.*$/, '').trim().split(/\s+/);
      const command = commandNamed(words);
      if (!command) return !/^(\[options\]|--version)$/.test(words[0] ?? '');
      const options = command.options.flatMap(({ short, long }) => [short, long, '--help']);
      return words.some((word) => /^--?\w/.test(word) && !options.includes(word));
    });
    expect(unknown).toEqual([]);
  });
});

test('docs/performance.md names each benchmark', () => {
  const page = read('docs/performance.md');
  expect(BENCHMARKS.filter((name) => !page.includes(`npm run bench -- ${name}`))).toEqual([]);
});

test('docs/architecture.md draws files that exist', () => {
  const drawn = [...read('docs/architecture.md').matchAll(/\["([\w/-]+\.ts)<br>/g)].map(([, path = '']) => path);
  expect(drawn.length).toBeGreaterThan(10);
  expect(drawn.filter((path) => !existsSync(join(ROOT, 'src', path)))).toEqual([]);
});

describe('the rooms in docs/architecture.md', () => {
  const table = read('docs/architecture.md').split(/^## Rooms$/m)[1] ?? '';
  const listed = [...table.matchAll(/^\| `([\w/-]+)` \|/gm)].map(([, room = '']) => room);
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((it) =>
    /\.(ts|js)$/.test(it),
  );
  const roomOf = (path: string) => (path.includes('/') ? dirname(path) : path.replace(/\.ts$/, ''));

  test('are the rooms of src, each once', () => {
    const rooms = new Set(files.map(roomOf));
    expect(new Set(listed)).toEqual(rooms);
    expect(listed).toHaveLength(rooms.size);
  });

  test('import only rooms that the table lists above them', () => {
    const against = files.flatMap((path) =>
      [...read(`src/${path}`).matchAll(/ from '(\.[^']+)'/g)]
        .map(([, target = '']) => posix.join(dirname(path), target))
        .filter((target) => listed.indexOf(roomOf(target)) > listed.indexOf(roomOf(path)))
        .map((target) => `${path} imports ${target}`),
    );
    expect(against).toEqual([]);
  });
});
