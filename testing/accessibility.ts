/** What axe finds wrong with a page, for those who do not see it or do not use a mouse. */
import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** Each violation as its rule and the elements; empty when there is none. */
export async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe: browserAxe } = globalThis as unknown as { axe: typeof axe };
    const { violations } = await browserAxe.run();
    return violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('\n')}`,
    );
  });
}
