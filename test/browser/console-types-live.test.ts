import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startAppForTest } from '../support/app.ts';
import { startBrowser } from '../support/browser.ts';
import { openConsole } from '../support/console.ts';
import { poll } from '../support/follow.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');

/** Says to the page whether it is seen, as a browser does. */
async function setSeen(page: Page, state: 'visible' | 'hidden'): Promise<void> {
  await page.evaluate(
    `Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true });
     document.dispatchEvent(new Event('visibilitychange'))`,
  );
}

/** Lets the page's clock run until it shows the text, and a while longer. Its stream takes 45 seconds without a byte for broken. */
async function runUntil(page: Page, text: string): Promise<void> {
  await poll(
    async () => {
      await page.clock.runFor(500);
      return page.getByRole('region', { name: 'scripted' }).getByRole('link', { name: text }).isVisible();
    },
    (isShown) => isShown,
  );
  await page.clock.runFor(10_000);
}

describe('the console: cards of job types', () => {
  it('are read anew when jobs have changed, and neither without a change nor while hidden', async () => {
    const app = await startAppForTest('redis', { JOBS_DIR });
    const browser = await startBrowser();
    onTestFinished(() => browser.close());
    const other = await openConsole(browser, app, { path: '/console/types' });
    const page = await openConsole(browser, app);
    let reads = 0;
    page.on('request', (request) => {
      if (request.postData()?.includes('query JobTypes') === true) reads += 1;
    });
    await page.clock.install();
    await page.reload();
    await page.getByRole('link', { name: 'Job types' }).click();
    await runUntil(page, '0 Succeeded');
    await page.clock.runFor(20_000);
    // Once more than needed, for jobs that may have ended just before, and are counted late.
    expect(reads).toBe(2);

    await app.post('/api/scripted-jobs', { text: 'seen' });
    await runUntil(page, '1 Succeeded');
    expect(reads).toBeGreaterThan(2);
    // One more for what workers count late, if the change and the end of the job came apart.
    expect(reads).toBeLessThanOrEqual(5);

    await setSeen(page, 'hidden');
    const before = reads;
    await app.post('/api/scripted-jobs', { text: 'not seen' });
    await other.getByRole('region', { name: 'scripted' }).getByRole('link', { name: '2 Succeeded' }).waitFor();
    await page.clock.runFor(10_000);
    expect(reads).toBe(before);
    await setSeen(page, 'visible');
    await page.getByRole('region', { name: 'scripted' }).getByRole('link', { name: '2 Succeeded' }).waitFor();
    expect(reads).toBe(before + 1);
  });
});
