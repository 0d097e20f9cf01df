import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { missesNode, requiredNode } from '../../../src/lib/node-floor.ts';

test.each([
  ['20.20.2', '22.15'],
  ['22.14.99', '22.15'],
  ['9.0.0', '22'],
  ['22.15.0', '22.15.1'],
])('Node %s is too old where %s is needed', (running, required) => {
  expect(missesNode(running, required)).toBe(`segmentd needs Node ${required} or newer; this is Node ${running}.`);
});

test.each([
  ['22.15.0', '22.15'],
  ['22.16.0', '22.15'],
  ['24.0.0', '22.15'],
  ['100.1.0', '22.15'],
  ['22.15.0-nightly', '22.15'],
])('Node %s will do where %s is needed', (running, required) => {
  expect(missesNode(running, required)).toBe(null);
});

const REPO = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string) => readFileSync(join(REPO, path), 'utf8');

/** Pages that tell people which Node they need. */
const PAGES = [
  ...['README.md', 'CONTRIBUTING.md'].filter((page) => existsSync(join(REPO, page))),
  ...readdirSync(join(REPO, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((page) => page.endsWith('.md'))
    .map((page) => join('docs', page)),
];

test('the Node that is asked for is the same everywhere', () => {
  const floor = requiredNode();
  expect(floor).toMatch(/^\d+\.\d+$/);
  const { engines, devDependencies } = JSON.parse(read('package.json'));
  const { packages } = JSON.parse(read('package-lock.json'));
  expect([engines.node, packages[''].engines.node]).toEqual([`>=${floor}`, `>=${floor}`]);
  expect(missesNode(devDependencies.node)).toBe(null);
  const asked = PAGES.flatMap((page) =>
    [...read(page).matchAll(/\bNode(?:\.js)?\s+(?:>=\s*)?\(?(\d+(?:\.\d+)*)(?:\s+or\s+newer)/g)].map(([, version]) => [
      page,
      version,
    ]),
  );
  expect(asked.length).toBeGreaterThan(0);
  expect(asked.filter(([, version]) => version !== floor)).toEqual([]);
});
