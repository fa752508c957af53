import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, startApp } from '../support/app.ts';
import { startBrowser } from '../support/browser.ts';
import { expectAccessible, openConsole } from '../support/console.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/files');

describe('files in the console', () => {
  let app: TestApp;
  let browser: Browser;
  beforeAll(async () => {
    [app, browser] = await Promise.all([startApp('redis', { JOBS_DIR }), startBrowser()]);
  });
  afterAll(async () => {
    await browser.close();
    await app.close();
  });

  it('are uploaded in the form, and linked in the job', async () => {
    const page = await openConsole(browser, app, { path: '/console/submit/report' });
    const document = page.getByLabel('document');
    await document.setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('some notes') });
    await page.getByText('Uploaded notes.txt, 10 B.').waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Submit', exact: true }).click();
    const result = page.getByRole('region', { name: 'Result', exact: true });
    const link = result.getByRole('link', { name: 'notes.txt' });
    await link.waitFor();
    await expectAccessible(page);
    expect(await (await fetch((await link.getAttribute('href')) ?? '')).text()).toBe('some notes');
    await result.getByRole('link', { name: 'report.pdf' }).waitFor();

    await page.getByRole('link', { name: 'Submit again with changes' }).click();
    await page.getByText('choose it anew').first().waitFor();
    await page.getByRole('button', { name: 'Submit', exact: true }).click();
    await result.getByRole('link', { name: 'report.pdf' }).waitFor();
    expect(await result.getByRole('link', { name: 'notes.txt' }).count()).toBe(0);
  });
});
