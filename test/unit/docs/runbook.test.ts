/** Holds docs/runbook.md to the alerts and the errors: each has one section with all three parts, and no other is there. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ERROR_PAGES } from '../../../scripts/error-pages.ts';
import { ALERT_PAGES, ERROR_LOOKS } from '../../../scripts/runbook-pages.ts';
import { ERRORS } from '../../../src/lib/errors.ts';
import { EVENTS } from '../../../src/telemetry/event-catalogue.ts';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const page = read('docs/runbook.md');
const alerts = Array.from(read('config/prometheus/rules.yml').matchAll(/- alert: (\w+)/g), ([, name = '']) => name);
const sections = page.split(/^### /m).slice(1);

test('every alert and every error code has one section, in the order of the rules and of the errors', () => {
  const headings = sections.map((text) => text.split('\n', 1)[0]);
  expect(headings).toEqual([...alerts, ...Object.keys(ERRORS)]);
});

test('nothing is said of an alert that is not there', () => {
  expect(Object.keys(ALERT_PAGES).filter((name) => !alerts.includes(name))).toEqual([]);
});

test('every section says what it means, where to look and what to do', () => {
  const parts = (text: string) => [...text.matchAll(/^\*\*(.+?)\*\* (\S.{10,})/gm)].map(([, title]) => title);
  const lacking = sections.filter((text) => parts(text).join() !== 'What it means.,Look here.,Do this.');
  expect(lacking).toEqual([]);
});

test('of the log it names what is written at the level that is the default', () => {
  const quiet = Object.entries(EVENTS).flatMap(([name, { level }]) => (level === 'debug' ? [name] : []));
  // A commit whose outcome is unknown is a warning.
  const text = page.replaceAll('`commitFinished` with the outcome `unknown`', '');
  expect(quiet.length).toBeGreaterThan(10);
  expect(quiet.filter((name) => text.includes(`\`${name}\``))).toEqual([]);
});

test('what an error of a table or an event has in common is said once, of the others where to look for each', () => {
  const common = ['table', 'event'];
  const codes = Object.entries(ERROR_PAGES).filter(([, { section }]) => !common.includes(section));
  expect(new Set(Object.keys(ERROR_LOOKS))).toEqual(new Set(codes.map(([code]) => code)));
});
