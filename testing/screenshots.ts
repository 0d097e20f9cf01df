/** Draws the pictures of docs/images: the status page over made-up tables, in a real browser. `node testing/screenshots.ts` */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { launchChromium } from './chromium.ts';
import { madeUpStatus } from './made-up-status.ts';
import { startPageServer } from './page-server.ts';

const IMAGES = fileURLToPath(new URL('../docs/images', import.meta.url));
/** Pictures that are made again differ only where the page does. */
const NOW = Date.parse('2026-11-28T15:10:00Z');
const TABLES = 32;

type Picture = {
  readonly name: string;
  readonly path: string;
  readonly options: BrowserContextOptions;
  /** What is done before the picture is taken. */
  readonly before?: (page: Page) => Promise<void>;
};

const DESK = { width: 1300, height: 620 };
const PHONE = { width: 375, height: 812 };

const showDetails = (page: Page) => page.locator('#rows .strip').first().hover();

const PICTURES: readonly Picture[] = [
  { name: 'status-page', path: '/', options: { viewport: DESK }, before: showDetails },
  { name: 'status-page-dark', path: '/', options: { viewport: DESK, colorScheme: 'dark' } },
  { name: 'status-page-phone', path: '/?filter=retrying', options: { viewport: PHONE } },
  { name: 'status-page-table', path: '/tables/lake/orders_by_region', options: { viewport: DESK } },
];

mkdirSync(IMAGES, { recursive: true });
const status = madeUpStatus(TABLES, NOW);
const server = await startPageServer(() => status);
const browser = await launchChromium();
try {
  for (const { name, path, options, before } of PICTURES) {
    const context = await browser.newContext({ ...options, timezoneId: 'UTC', locale: 'en-GB' });
    const page = await context.newPage();
    await page.clock.install({ time: NOW });
    // The clock of the page follows the daemon's.
    await page.route('**/status/tables/**', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, headers: { ...response.headers(), date: new Date(NOW).toUTCString() } });
    });
    await page.goto(`${server.url}${path}`);
    await page.locator('#rows tr, #charts svg').first().waitFor();
    await before?.(page);
    await page.screenshot({ path: join(IMAGES, `${name}.png`) });
    await context.close();
  }
} finally {
  await browser.close();
  await server.close();
}
