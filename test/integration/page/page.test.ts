/** The status page in a real browser, over made-up tables: daemon-page.test.ts has the daemon. The modules start with src/page/page.js. */
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { MemberStatus } from '../../../src/control/member-status.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import { violationsOf } from '../../../testing/accessibility.ts';
import { launchChromium } from '../../../testing/chromium.ts';
import { LONG } from '../../../testing/long.ts';
import { madeUpStatus } from '../../../testing/made-up-status.ts';
import type { PageServer } from '../../../testing/page-server.ts';
import { startPageServer, TOKEN } from '../../../testing/page-server.ts';

/** A time of today, or of yesterday, since the history reaches back into that for some hours after midnight. */
const MOMENT = String.raw`(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d \S+`;

const ENTRY = '../../../src/page/page.js';

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
  return () => browser.close();
}, 300_000);

type World = PageServer & { status: MemberStatus };

/** A daemon of so many made-up tables. What the test puts into `status` is what it says next. */
async function serve(count = 33, run?: (command: string, table: string) => Promise<object>): Promise<World> {
  const world = { status: madeUpStatus(count, Date.now()) };
  const server = await startPageServer(() => ({ ...world.status, at: new Date().toISOString() }), run);
  onTestFinished(() => server.close());
  return Object.assign(world, server);
}

/** Opens a page; the test fails when it throws, or asks for what the policy forbids. */
async function open(url: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, ...options });
  const page = await context.newPage();
  const wrong: string[] = [];
  page.on('pageerror', (error) => wrong.push(error.message));
  page.on('console', (message) => {
    if (/Content Security Policy|Uncaught/.test(message.text())) wrong.push(message.text());
  });
  onTestFinished(async () => {
    await context.close();
    expect(wrong).toEqual([]);
  });
  await page.goto(url);
  return page;
}

const rows = (page: Page) => page.locator('#rows tr');
const rowOf = (page: Page, table: string) =>
  rows(page).filter({ has: page.getByRole('link', { name: table, exact: true }) });
const tile = (page: Page, name: string) => page.locator('#tiles').getByRole('button', { name });
const textsOf = async (row: Locator) =>
  (await row.locator('th, td').allInnerTexts()).map((it) => it.replaceAll(/\s+/g, ' ').trim());

/** Polls, as `expect.poll` does, for what a user sees. */
const sees = (locator: Locator) => expect.poll(() => locator.innerText(), { timeout: 10_000 });

test(`shows what the daemon says, problems first (${ENTRY.slice('../../../'.length)})`, async () => {
  const { url } = await serve();
  const page = await open(url);
  await rows(page).first().waitFor();
  expect((await page.locator('#rows th').allInnerTexts()).slice(0, 5)).toEqual([
    ...['lake/orders_by_region', 'lake/broken', 'lake/users_import', 'lake/documents_en', 'lake/archive_2019'],
  ]);
  expect(await textsOf(rowOf(page, 'lake/orders_by_region'))).toEqual([
    ...[
      'lake/orders_by_region',
      'retrying',
      '2,754,310',
      '99.98 %',
      '8 min 48 s',
      'id_idx',
      expect.stringMatching(/^v\d+ append, \d+ s ago$/),
    ],
    expect.stringMatching(/^store_unavailable: the store did not answer .* 13 tries, next in \d+ s$/),
  ]);
  expect((await textsOf(rowOf(page, 'lake/archive_2019'))).slice(2, 5)).toEqual(['48,000,000', 'no index', '–']);
  const about = await page.locator('#about').innerText();
  for (const part of ['0.1.0', 'segmentd@vm-1:28813', '3 h ago', '12 of 24 partitions', 'append-events'])
    expect(about).toContain(part);
  const tiles = await page.locator('#tiles li').allInnerTexts();
  expect(tiles.map((text) => text.replaceAll('\u00a0', ' '))).toEqual([
    ...[
      'running\nstate',
      '8 min 48 s\nworst lag\nlake/orders_by_region',
      '29 / 31\nindexed tables covered',
      '1\nretrying',
      '1\ndeclined',
    ],
    ...['1\npaused', '1\nleft alone', '3\ndead letters, 24 h'],
  ]);
  expect(await page.locator('#change-list li').count()).toBe(20);
  expect(await page.locator('#dead-letter-list li').first().innerText()).toMatch(
    /event_not_json append-events\/5@2612 .*\ngarbage 1$/,
  );
  expect(await page.locator('#group-summary').innerText()).toBe('2 members in the group');
  expect(await page.locator('#view').innerText()).toBe('As member segmentd@vm-1:28813 sees them.');
  expect(await page.locator('#control-link a').getAttribute('href')).toBe('http://127.0.0.1:9465/');
});

test('a strip has a block per segment, wider with more rows, and the missing tail', async () => {
  const { url } = await serve();
  const page = await open(url);
  const blocks = rowOf(page, 'lake/orders_by_region').locator('.block');
  await blocks.first().waitFor();
  const found = await blocks.evaluateAll((all) =>
    all.map((it) => [it.className, it.getBoundingClientRect().width] as const),
  );
  expect(found.map(([name]) => name)).toEqual([
    ...['block tier-3', 'block tier-2', 'block tier-1', 'block tier-0', 'block missing'],
  ]);
  const widths = found.slice(0, 4).map(([, width]) => width);
  expect(widths).toEqual([...widths].sort((a, b) => b - a));
});

test('tiles and words filter, the address keeps the filter, and one button clears it', async () => {
  const { url } = await serve();
  const page = await open(url);
  await tile(page, 'declined').click();
  expect(await page.locator('#rows th').allInnerTexts()).toEqual(['lake/broken']);
  expect(await tile(page, 'declined').getAttribute('aria-pressed')).toBe('true');
  await sees(page.locator('#shown')).toBe('1 of 33 tables: declined');
  await page.reload();
  await sees(page.locator('#shown')).toBe('1 of 33 tables: declined');
  await page.getByRole('button', { name: 'Clear the filter' }).click();
  await page.getByRole('searchbox', { name: 'Filter' }).fill('UNREADABLE lake');
  expect(await page.locator('#rows th').allInnerTexts()).toEqual(['lake/broken']);
  await page.getByRole('searchbox', { name: 'Filter' }).fill('');
  expect(await rows(page).count()).toBe(33);
});

test('is worked by keyboard: skip link, filter, details of a strip; an update leaves the focus where it is', async () => {
  const world = await serve();
  const page = await open(world.url);
  await rows(page).first().waitFor();
  await page.keyboard.press('Tab');
  expect(await page.locator(':focus').innerText()).toBe('Skip to the tables');
  await tile(page, 'retrying').focus();
  await page.keyboard.press('Enter');
  expect(await rows(page).count()).toBe(1);
  await rowOf(page, 'lake/orders_by_region').getByRole('link').first().focus();
  await page.keyboard.press('Tab');
  const strip = page.locator(':focus');
  expect(await strip.getAttribute('aria-label')).toBe('id_idx, BTREE: 99.98 % covered, 4 segments, 310 rows missing');
  const tip = page.getByRole('tooltip');
  expect(await tip.innerText()).toMatch(/id_idx BTREE, 99.98 % covered, 310 rows missing for 38 s[\s\S]*2,400,000\t3/);
  await page.keyboard.press('Escape');
  expect(await tip.isVisible()).toBe(false);

  const [index] = world.status.tables.find(({ table }) => table === 'lake/orders_by_region')?.indexes ?? [];
  if (!index) throw new Error('no index');
  const changed = { ...index, missing_rows: 311 };
  const tables = world.status.tables.map((it) =>
    it.table === 'lake/orders_by_region' ? { ...it, indexes: [changed] } : it,
  );
  world.status = { ...world.status, tables };
  await expect
    .poll(() => page.locator(':focus').getAttribute('aria-label'), { timeout: 5_000 })
    .toMatch(/311 rows missing$/);
});

test('from 900 pixels on it is a table with headings, commands make no row twice as high, and no tile is alone', async () => {
  const { url, controlUrl } = await serve(12);
  const page = await open(url);
  const control = await open(controlUrl);
  await giveToken(control, TOKEN);
  await rows(control).first().waitFor();
  const heightOf = async (on: Page) => (await rowOf(on, 'lake/clicks_8').boundingBox())?.height ?? Number.NaN;
  for (const width of [900, 1280, 1700]) {
    for (const each of [page, control]) await each.setViewportSize({ width, height: 800 });
    expect(await page.evaluate(`getComputedStyle(document.querySelector('#rows tr')).display`)).toBe('table-row');
    expect((await page.getByRole('columnheader', { name: 'covered' }).boundingBox())?.height).toBeGreaterThan(20);
    expect((await heightOf(control)) / (await heightOf(page))).toBeLessThan(1.5);
    const tops = await page.locator('#tiles li').evaluateAll((all) => all.map((it) => it.getBoundingClientRect().top));
    const inRows = [...new Set(tops)].map((top) => tops.filter((it) => it === top).length);
    expect([[8], [4, 4]]).toContainEqual(inRows);
  }
});

test('a table that was read long ago says so in the list', async () => {
  const world = await serve(12);
  const at = new Date(Date.now() - 5.5 * 60_000).toISOString();
  const tables = world.status.tables.map((it) => (it.table === 'lake/clicks_8' ? { ...it, observed_at: at } : it));
  world.status = { ...world.status, tables };
  const page = await open(world.url);
  await sees(rowOf(page, 'lake/clicks_8').locator('td.state')).toBe('served read 5 min ago');
  expect(await rowOf(page, 'lake/archive_2019').locator('td.state').innerText()).toBe('served');
});

test('nothing sticks out on any screen, and on a phone each value has its name', async () => {
  const { url, controlUrl } = await serve();
  const page = await open(controlUrl);
  await giveToken(page, TOKEN);
  await rows(page).first().waitFor();
  const tooWide = async (width: number) => {
    await page.setViewportSize({ width, height: 800 });
    return (await page.evaluate('document.documentElement.scrollWidth')) !== width;
  };
  for (const width of [1920, 1700, 1400, 1281, 1280, 1024, 900, 700, 375, 320])
    expect([width, await tooWide(width)]).toEqual([width, false]);
  const label = await page.evaluate(`getComputedStyle(document.querySelector('td.covered'), '::before').content`);
  expect(label).toContain('covered');
  await page.goto(`${url}/tables/lake/orders_by_region`);
  await page.locator('#charts svg').first().waitFor();
  expect(await tooWide(375)).toBe(false);
});

describe('axe finds nothing wrong', () => {
  const looks = { light: {}, dark: { colorScheme: 'dark' }, phone: { viewport: { width: 375, height: 800 } } } as const;

  // Dark has colors of its own, and the phone a layout; the short run has both at once.
  const short = { 'dark phone': { ...looks.phone, ...looks.dark } } as const;

  test.each(Object.entries(LONG ? looks : short))('with all tables, %s', async (look, options) => {
    const { url } = await serve(12);
    const page = await open(url, options);
    await rows(page).first().waitFor();
    await tile(page, 'retrying').click();
    await rowOf(page, 'lake/orders_by_region').locator('.strip').focus();
    const back = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(back).toBe(look.startsWith('dark') ? 'rgb(15, 20, 25)' : 'rgb(255, 255, 255)');
    expect(await violationsOf(page)).toEqual([]);
  });

  test('with one table, with the form for a token, with commands, and when it is stale', async () => {
    const { url, controlUrl, close } = await serve(12);
    const page = await open(`${url}/tables/lake/orders_by_region`);
    await page.locator('#charts svg').first().waitFor();
    await page.locator('#indexes summary').click();
    expect(await violationsOf(page)).toEqual([]);
    await page.goto(controlUrl);
    expect(await violationsOf(page)).toEqual([]);
    await giveToken(page, TOKEN);
    await rows(page).first().waitFor();
    expect(await violationsOf(page)).toEqual([]);
    await close();
    await page.getByRole('alert').waitFor();
    expect(await violationsOf(page)).toEqual([]);
  });
});

test('what tables, errors and records say stays text', async () => {
  const world = await serve();
  const evil = `"'><img src=x onerror="globalThis.pwned=1"><script>globalThis.pwned=1</script>`;
  const first = world.status.tables.find(({ indexes }) => indexes.length > 0);
  const others = world.status.tables.filter((it) => it !== first);
  const [letter] = world.status.recent.dead_letters;
  if (!first || !letter) throw new Error('nothing to spoil');
  const table = {
    ...{ ...first, table: `lake/${evil.replaceAll('/', '')}`, state: 'declined' as const },
    ...{ declined: { code: evil as 'internal', message: evil, accepted: false }, docs: `javascript:${evil}` },
    ...{
      indexes: first.indexes.map((index) => ({ ...index, name: evil, kind: evil })),
      pause: { since: world.status.at, by: evil },
      self_check: { at: world.status.at, version: 7, index: evil, evidence: evil },
    },
  };
  world.status = {
    ...world.status,
    ...{
      member: evil,
      group: evil,
      topic: evil,
      reason: evil,
      admin_url: `javascript:alert(1)//${evil}`,
      tables: [table, ...others],
    },
    recent: { changes: [], dead_letters: [{ ...letter, code: evil, message: evil, value: evil, topic: evil }] },
  };
  const page = await open(world.url);
  await rows(page).first().waitFor();
  const row = rows(page).filter({ hasText: 'onerror' });
  await row.locator('.strip').first().hover();
  await page.getByRole('tooltip').waitFor();
  await row.getByText('answered wrongly at version 7').waitFor();
  expect(await page.locator('#dead-letter-list code').innerText()).toBe(evil);
  expect(await page.locator('img, main script, [onerror]').count()).toBe(0);
  const links = await page.locator('a').evaluateAll((all) => all.map((it) => (it as unknown as { href: string }).href));
  expect(links.filter((href) => !href.startsWith('http://127.0.0.1:'))).toEqual([]);
  expect(await page.evaluate(() => 'pwned' in globalThis)).toBe(false);
  await row.getByRole('link').first().click();
  await page.locator('#table-name').filter({ hasText: 'onerror' }).waitFor();
  expect(await page.locator('img, main script, [onerror]').count()).toBe(0);
});

test('a daemon that stops answering is told at once, and forgotten when it is back', async () => {
  const status = madeUpStatus(12, Date.now());
  const first = await startPageServer(() => status);
  const page = await open(first.url);
  await rows(page).first().waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);
  await first.close();
  await sees(page.getByRole('alert')).toMatch(
    /^Stale since \d\d:\d\d:\d\d [A-Z]\S+: the daemon does not answer \(.*\)\. All below is what it said then/,
  );
  expect(await page.title()).toBe('STALE · segmentd');
  expect(await page.evaluate(`getComputedStyle(document.querySelector('main')).filter`)).toBe('grayscale(1)');
  const second = await startPageServer(
    () => ({ ...status, member: 'segmentd@vm-9:1' }),
    undefined,
    Number(new URL(first.url).port),
  );
  onTestFinished(() => second.close());
  await sees(page.locator('#about')).toContain('segmentd@vm-9:1');
  expect([await page.getByRole('alert').count(), await page.title()]).toEqual([0, 'segmentd']);
});

test('seven pages that nobody looks at leave the connections of a browser to the eighth', async () => {
  const world = await serve(12);
  const first = await open(world.url);
  const hide = (on: Page, hidden: boolean) =>
    on.evaluate(`Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'))`);
  const others: Page[] = [];
  for (let at = 0; at < 7; at++) {
    const page = at === 0 ? first : await first.context().newPage();
    if (at > 0) await page.goto(world.url);
    await rows(page).first().waitFor();
    await hide(page, true);
    others.push(page);
  }
  const last = await first.context().newPage();
  await last.goto(world.url);
  await rows(last).first().waitFor();
  world.status = { ...world.status, member: 'segmentd@vm-9:1' };
  await sees(last.locator('#about')).toContain('segmentd@vm-9:1');
  expect(await first.locator('#about').innerText()).not.toContain('segmentd@vm-9:1');
  await hide(first, false);
  await expect.poll(() => first.locator('#about').innerText(), { timeout: 1_500 }).toContain('segmentd@vm-9:1');
});

test('of very many tables it shows the first, and all when asked', async () => {
  const { url } = await serve(1_200);
  const page = await open(url);
  await rows(page).first().waitFor();
  expect(await rows(page).count()).toBe(100);
  await page.getByRole('searchbox', { name: 'Filter' }).fill('images_1');
  await sees(page.locator('#shown')).toMatch(/^\d+ of 1,200 tables$/);
  await page.getByRole('button', { name: 'Clear the filter' }).click();
  await page.getByRole('button', { name: 'show all: 1,100 more' }).click();
  expect(await rows(page).count()).toBe(1_200);
});

describe('commands', () => {
  test('come with the token, which stays in this tab, and say how they went', async () => {
    const { controlUrl, asked } = await serve(12, async (command) => {
      if (command === 'merge') throw new SegmentdError('table_not_found', 'no <b>table</b>');
      return { paused: true };
    });
    const page = await open(controlUrl);
    expect(await page.locator('#all-tables').isVisible()).toBe(false);
    await giveToken(page, 'wrong');
    await sees(page.locator('#told')).toBe('The token was refused.');
    await giveToken(page, TOKEN);
    const row = rowOf(page, 'lake/clicks_8');
    await row.getByRole('button', { name: 'pause lake/clicks_8' }).click();
    await sees(page.locator('#told')).toBe('pause lake/clicks_8: paused; its events wait, nothing is lost');
    await row.getByRole('button', { name: 'merge lake/clicks_8' }).press('Enter');
    await sees(page.locator('#told')).toMatch(
      /^merge lake\/clicks_8: refused, table_not_found: no <b>table<\/b>\. Check the path/,
    );
    expect(await rowOf(page, 'lake/users_import').getByRole('button').allInnerTexts()).toEqual([
      ...[expect.any(String), 'resume', 'refresh', 'merge', 'optimize'],
    ]);
    const declined = rowOf(page, 'lake/broken').locator('button.command');
    expect(await declined.allInnerTexts()).toEqual(['pause', 'refresh']);
    expect(asked).toEqual(['pause lake/clicks_8', 'merge lake/clicks_8']);
    await page.reload();
    await row.getByRole('button', { name: 'refresh lake/clicks_8' }).waitFor();
    expect(await page.evaluate('[localStorage.length, document.cookie]')).toEqual([0, '']);
    await page.getByRole('button', { name: 'Forget the token' }).click();
    expect([await page.locator('#all-tables').isVisible(), await page.locator('button.command').count()]).toEqual([
      ...[false, 0],
    ]);
  });

  test('say what became of a merge, and merge to one where the policy leaves segments', async () => {
    const { controlUrl, asked } = await serve(12, async () => {
      const merges = [{ index: 'id_idx', segments: 4, rows: 130_000 }];
      const work = asked.length > 1 ? { outcome: 'begun', merges } : { outcome: 'nothing_due', merges: [] };
      return { work, indexes: [{ segments: [1, 2, 3, 4] }] };
    });
    const page = await open(controlUrl);
    await giveToken(page, ` ${TOKEN} `);
    await rowOf(page, 'lake/clicks_8').getByRole('button', { name: 'merge lake/clicks_8' }).click();
    await sees(page.locator('#told')).toMatch(/^merge lake\/clicks_8: nothing to merge: the merge policy/);
    await page.getByRole('button', { name: 'merge to 1 segment all the same' }).click();
    await sees(page.locator('#told')).toBe('merge lake/clicks_8: begun: 4 segments of id_idx, 130,000 rows');
    expect(asked).toEqual(['merge lake/clicks_8', 'merge lake/clicks_8 to 1']);
  });

  test('are given up after ten seconds without an answer, and what is no token is told', async () => {
    const { controlUrl } = await serve(12, () => new Promise(() => undefined));
    const page = await open(controlUrl);
    await giveToken(page, 'tökén€');
    await sees(page.locator('#told')).toMatch(/^That cannot be a token/);
    await giveToken(page, TOKEN);
    // Instead of ten seconds.
    await page.evaluate(
      'AbortSignal.timeout = ((ask) => (ms) => ask(ms / 100))(AbortSignal.timeout.bind(AbortSignal))',
    );
    await rowOf(page, 'lake/clicks_8').getByRole('button', { name: 'pause lake/clicks_8' }).click();
    await sees(page.locator('#told')).toBe(
      'pause lake/clicks_8: no answer within 10 s. It may or may not have been done.',
    );
  });

  test('are not on the listener that only shows', async () => {
    const page = await open((await serve(12)).url);
    await rows(page).first().waitFor();
    expect([await page.locator('button.command').count(), await page.locator('#token-form').isVisible()]).toEqual([
      0,
      false,
    ]);
  });
});

describe('the page of a table', () => {
  test('has its facts, its history as two charts, its segments and its changes', async () => {
    const { url } = await serve();
    const page = await open(url);
    await page.getByRole('link', { name: 'lake/orders_by_region', exact: true }).click();
    await page.locator('#charts svg').nth(1).waitFor();
    expect(await page.title()).toBe('lake/orders_by_region · segmentd');
    expect(await page.getByRole('img').evaluateAll((all) => all.map((it) => it.getAttribute('aria-label')))).toEqual([
      expect.stringMatching(new RegExp(`^Lag: now 8 min 48 s, highest 8 min 48 s at ${MOMENT}$`)),
      expect.stringMatching(new RegExp(`^Segments of all indexes: now 4, highest 14 at ${MOMENT}$`)),
    ]);
    expect(await page.locator('#detail-view').innerText()).toBe('As member segmentd@vm-1:28813 sees it.');
    expect(await page.locator('#control-link a').getAttribute('href')).toBe(
      'http://127.0.0.1:9465/tables/lake/orders_by_region',
    );
    await page.getByText('4 segments').click();
    // The rows are drawn once the list is open.
    await page.locator('#indexes tbody tr').nth(3).waitFor();
    expect(await page.locator('#indexes tbody tr').count()).toBe(4);
    expect(await page.locator('#change-list li').count()).toBe(12);
    await page.getByRole('link', { name: 'All tables' }).click();
    await rows(page).first().waitFor();
  });

  test('says so when there is no such table', async () => {
    const page = await open(`${(await serve(12)).url}/tables/lake/gone`);
    await sees(page.locator('#gone')).toMatch(/^This member does not know this table/);
    expect(await page.getByRole('alert').count()).toBe(0);
  });
});

test('a reason links to its paragraph', async () => {
  const page = await open((await serve(12)).url);
  await page.getByRole('link', { name: 'table_unreadable' }).click();
  await page.waitForURL(/errors\.md/);
  await page.locator('pre').waitFor();
  await expect.poll(() => page.evaluate('scrollY'), { timeout: 5_000 }).toBeGreaterThan(500);
});

async function giveToken(page: Page, token: string): Promise<void> {
  await page.getByLabel('Token of this listener').fill(token);
  await page.getByLabel('Token of this listener').press('Enter');
}
