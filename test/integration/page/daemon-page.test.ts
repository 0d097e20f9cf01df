/** The status page of a real daemon over a real broker: a table in each state, dead letters, commands, a kill and a restart. */
import { rename, rm, writeFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';
import { violationsOf } from '../../../testing/accessibility.ts';
import { freePorts } from '../../../testing/broker/broker.ts';
import { launchChromium } from '../../../testing/chromium.ts';
import { people } from '../../../testing/people.ts';
import type { World } from '../e2e/world.ts';
import { covered, makeTable, makeWorld, openTable, until } from '../e2e/world.ts';

const TOKEN = 'letmein-0123456789';
const EVIL = '<img src=x onerror="globalThis.pwned=1">';

async function announce(world: World, value: string, key = 'db/x'): Promise<void> {
  await world.producer.send(world.settings.topic, [{ key: Buffer.from(key), value: Buffer.from(value) }]);
}

async function append(world: World, name: string): Promise<void> {
  const table = await openTable(world.database, name);
  await table.add(people(100 + Number(await table.countRows()), 10));
  await announce(world, JSON.stringify({ table: `db/${name}` }), `db/${name}`);
}

const rowOf = (page: Page, table: string) =>
  page.locator('#rows tr').filter({ has: page.getByRole('link', { name: table, exact: true }) });
const state = (page: Page, table: string) => rowOf(page, table).locator('td.state').innerText();

async function open(url: string): Promise<Page> {
  const browser = await launchChromium();
  onTestFinished(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  await page.goto(url);
  return page;
}

test('shows a table in each state as the daemon sees it, live, and says so when the daemon is killed', async () => {
  const [port] = await freePorts();
  const world = await makeWorld({ admin: { port, token: TOKEN }, retry: { initial_ms: 200, max_ms: 1_000 } });
  for (const name of ['well', 'sick', 'held', 'odd']) await makeTable(world, name, 100);
  const daemon = await world.daemon();
  const page = await open(daemon.url);
  const control = await open(`http://127.0.0.1:${port}`);
  await control.getByLabel('Token of this listener').fill(TOKEN);
  await control.getByLabel('Token of this listener').press('Enter');

  // Appends are live on both pages, and what the table of the daemon says is what the page shows.
  for (const name of ['well', 'held']) await append(world, name);
  await expect.poll(() => page.locator('#rows tr').count(), { timeout: 60_000 }).toBe(2);
  await until('covered', async () => (await covered(world, 'well')) && (await covered(world, 'held')));
  await expect
    .poll(() => rowOf(page, 'db/well').locator('td.covered').innerText(), { timeout: 10_000 })
    .toBe('100.00 %');
  await expect.poll(() => rowOf(page, 'db/well').locator('td.rows').innerText(), { timeout: 10_000 }).toBe('110');
  expect(await rowOf(page, 'db/well').locator('.strip').count()).toBe(2);
  await expect.poll(() => rowOf(page, 'db/well').locator('td.last-change').innerText()).toMatch(/^v\d+ append, /);
  expect(await page.locator('#control-link a').getAttribute('href')).toBe(`http://127.0.0.1:${port}/`);

  // Paused with its button.
  await rowOf(control, 'db/held').getByRole('button', { name: 'pause db/held' }).click();
  await expect.poll(() => state(page, 'db/held'), { timeout: 10_000 }).toBe('paused');
  await append(world, 'held');

  // Retrying: no segment can be published where a file stands in the place of the folder.
  const indices = `${world.tableFolder('sick')}/_indices`;
  await rename(indices, `${indices}-away`);
  await writeFile(indices, '');
  await append(world, 'sick');
  await expect
    .poll(async () => (await rowOf(page, 'db/sick').count()) && state(page, 'db/sick'), { timeout: 60_000 })
    .toBe('retrying');
  await expect
    .poll(() => rowOf(page, 'db/sick').locator('td.why').innerText(), { timeout: 20_000 })
    .toMatch(/^store_\w+: [\s\S]*\d tries, next /);

  // Declined: its newest manifest is not one. A name of an index and a record that would be markup are not.
  await writeFile(`${world.tableFolder('odd')}/_versions/18446744073709551515.manifest`, `${EVIL}`);
  await announce(world, JSON.stringify({ table: 'db/odd' }), 'db/odd');
  await expect
    .poll(async () => (await rowOf(page, 'db/odd').count()) && state(page, 'db/odd'), { timeout: 60_000 })
    .toBe('declined');
  await announce(world, EVIL);
  await expect.poll(() => page.locator('#dead-letter-list code').allInnerTexts(), { timeout: 60_000 }).toContain(EVIL);
  expect(await page.locator('img, [onerror]').count()).toBe(0);
  expect(await page.evaluate(() => 'pwned' in globalThis)).toBe(false);

  const problems = (await page.locator('#rows th').allInnerTexts()).join(' ');
  expect(problems).toBe('db/sick db/odd db/held db/well');
  const tiles = await page.locator('#tiles li').allInnerTexts();
  for (const tile of ['running\nstate', '1\nretrying', '1\ndeclined', '1\npaused', '1\ndead letters, 24 h'])
    expect(tiles).toContain(tile);
  expect(await page.locator('#about').innerText()).toContain('3 of 3 partitions');
  expect(await violationsOf(page)).toEqual([]);

  // Resumed, and well again.
  await rowOf(control, 'db/held').getByRole('button', { name: 'resume db/held' }).click();
  await rm(indices);
  await rename(`${indices}-away`, indices);
  for (const name of ['db/held', 'db/sick'])
    await expect.poll(() => state(page, name), { timeout: 60_000 }).toBe('served');
  await rowOf(control, 'db/well').getByRole('button', { name: 'refresh db/well' }).click();
  await expect
    .poll(() => control.locator('#told').innerText(), { timeout: 10_000 })
    .toMatch(/^refresh db\/well: asked for/);

  await rowOf(page, 'db/well').getByRole('link').first().click();
  await page.locator('#charts svg').first().waitFor();
  expect(await page.locator('#change-list li').count()).toBeGreaterThan(0);
  await page.getByRole('link', { name: 'All tables' }).click();
  await page.locator('#rows tr').first().waitFor();

  await daemon.stop('SIGKILL');
  const killedAt = Date.now();
  await page.getByRole('alert').waitFor();
  expect(Date.now() - killedAt).toBeLessThan(10_000);
  expect(await page.getByRole('alert').innerText()).toMatch(
    /^Stale since \d\d:\d\d:\d\d \S+: the daemon does not answer/,
  );
  const next = await world.daemon();
  await expect.poll(() => page.getByRole('alert').count(), { timeout: 20_000 }).toBe(0);
  await expect.poll(() => page.locator('#about').innerText()).toContain(`:${next.pid}`);
});
