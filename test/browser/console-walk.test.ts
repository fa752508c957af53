import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { JobError } from '../../src/core/job-error.ts';
import { startAppForTest } from '../support/app.ts';
import { startBrowser } from '../support/browser.ts';
import { API_KEYS, bearer, clientOf, keyOf } from '../support/callers.ts';
import { expectAccessible, openConsole } from '../support/console.ts';
import { script } from '../support/jobs/scripted/scripted.ts';
import { BACKENDS } from '../support/stores.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

it.each(BACKENDS)(
  'the console on %s leads from failures of the last hour to code, input and trace',
  async (backend) => {
    const app = await startAppForTest(backend, { JOBS_DIR, API_KEYS });
    let hasDepot = false;
    script('GB', async () => {
      if (!hasDepot) throw new JobError('NO_DEPOT', 'There is no depot for GB.', { retry: false });
      return { text: 'GB' };
    });
    const submit = (text: string) =>
      clientOf(app, bearer(keyOf('ada'))).rest('/api/scripted-jobs', {
        method: 'POST',
        body: { text },
        headers: { Prefer: 'wait=20', traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01` },
      });
    for (const text of ['DE', 'GB', 'FR', 'GB', 'NL']) await submit(text);

    const page = await openConsole(browser, app, { key: keyOf('admin') });
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('link', { name: 'Job types' }).click();
    const failing = page.getByRole('navigation', { name: 'Failed in the last hour' });
    await expectAccessible(page);
    await failing.getByRole('link', { name: 'scripted 2' }).click();
    const rows = page.getByRole('row').filter({ hasText: 'NO_DEPOT' });
    await rows.nth(1).waitFor();
    const list = page.url();
    expect(new URL(list).search).toBe('?type=scripted&status=failed&from=1h');
    expect(await page.locator('tbody tr').count()).toBe(2);
    await rows.first().getByRole('link').click();

    await page.getByRole('region', { name: 'Error' }).getByText('There is no depot for GB.').waitFor();
    await page.getByRole('region', { name: 'Input' }).getByText('"GB"').waitFor();
    await page.getByRole('button', { name: 'Copy trace id' }).click();
    await page.getByText('Copied').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(TRACE_ID);

    // To the next one that failed.
    await page.getByRole('main').getByRole('link', { name: 'Jobs' }).click();
    await rows.nth(1).waitFor();
    expect(page.url()).toBe(list);

    // The figures of a card lead there too.
    await page.getByRole('link', { name: 'Job types' }).click();
    const card = page.getByRole('region', { name: 'scripted' });
    await card.getByRole('row', { name: 'Failed 2 2 2' }).getByRole('link').first().click();
    await rows.nth(1).waitFor();
    expect(page.url()).toBe(list);

    hasDepot = true;
    await page.getByRole('button', { name: 'Retry all…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Retry 2 jobs' }).click();
    await dialog.getByText('Of 2 jobs, 2 put back into the queue.').waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('No job fits the filter').waitFor();
  },
);
