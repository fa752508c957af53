import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobError } from '../../src/core/job-error.ts';
import { type TestApp, startApp } from '../support/app.ts';
import { startBrowser } from '../support/browser.ts';
import { API_KEYS, bearer, clientOf, keyOf } from '../support/callers.ts';
import { PHONE, expectAccessible, expectNoSideways, openConsole } from '../support/console.ts';
import { script } from '../support/jobs/scripted/scripted.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');

describe('the console: job types', () => {
  let app: TestApp;
  let browser: Browser;
  beforeAll(async () => {
    [app, browser] = await Promise.all([startApp('redis', { JOBS_DIR, API_KEYS }), startBrowser()]);
  });
  afterAll(async () => {
    await browser.close();
    await app.close();
  });

  const submit = (text: string) =>
    clientOf(app, bearer(keyOf('ada'))).rest('/api/scripted-jobs', {
      method: 'POST',
      body: { text },
      headers: { Prefer: 'wait=20' },
    });

  it('are counted, paused and resumed by an admin', async () => {
    script('counted', () => Promise.reject(new JobError('BAD_LUCK', 'It was not to be.', { retry: false })));
    await submit('one');
    await submit('counted');
    const page = await openConsole(browser, app, { path: '/console/types', key: keyOf('admin') });
    const card = page.getByRole('region', { name: 'scripted' });
    await card.getByRole('img', { name: /^The last hour: 1 succeeded, 1 failed/ }).waitFor();
    await card.getByRole('row', { name: 'Failed 1 1 1' }).waitFor();
    await expectAccessible(page);

    await card.getByRole('button', { name: 'Pause' }).click();
    await card.getByText('Paused', { exact: true }).waitFor();
    await expectAccessible(page);
    const waiting = clientOf(app, bearer(keyOf('ada')));
    await waiting.rest('/api/scripted-jobs', { method: 'POST', body: { text: 'waits' } });
    await card.getByRole('link', { name: '1 Pending' }).waitFor();
    await card.getByRole('button', { name: 'Resume' }).click();
    await card.getByRole('link', { name: '2 Succeeded' }).waitFor();
    await card.getByText('Paused', { exact: true }).waitFor({ state: 'detached' });

    await card.getByRole('link', { name: '1 Failed' }).click();
    await page.getByText('BAD_LUCK').waitFor();
    expect(new URL(page.url()).search).toBe('?type=scripted&status=failed');
  });

  it.each(['light', 'dark'] as const)('fit a phone, and axe finds nothing: %s', async (theme) => {
    const page = await openConsole(browser, app, { path: '/console/types', key: keyOf('admin'), size: PHONE, theme });
    await page
      .getByRole('img', { name: /^The last hour/ })
      .first()
      .waitFor();
    await expectNoSideways(page);
    await expectAccessible(page);
    expect(await page.getByRole('button', { name: 'Pause scripted' }).count()).toBe(1);
  });

  it('are known to other callers, without figures', async () => {
    const page = await openConsole(browser, app, { path: '/console/types', key: keyOf('ada') });
    await page.getByText('Does what the test says.').waitFor();
    expect(await page.getByRole('button', { name: 'Pause' }).count()).toBe(0);
  });
});
