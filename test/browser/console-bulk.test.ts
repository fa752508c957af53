import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobError } from '../../src/core/job-error.ts';
import { type TestApp, startApp } from '../support/app.ts';
import { startBrowser } from '../support/browser.ts';
import { API_KEYS, type KeyName, bearer, clientOf, keyOf } from '../support/callers.ts';
import { PHONE, expectAccessible, expectNoSideways, openConsole } from '../support/console.ts';
import { createGate } from '../support/gate.ts';
import { script } from '../support/jobs/scripted/scripted.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');

describe('the console: all jobs of a filter', () => {
  let app: TestApp;
  let browser: Browser;
  beforeAll(async () => {
    [app, browser] = await Promise.all([startApp('redis', { JOBS_DIR, API_KEYS }), startBrowser()]);
  });
  afterAll(async () => {
    await browser.close();
    await app.close();
  });

  const submit = (name: KeyName, text: string, wait = '0') =>
    clientOf(app, bearer(keyOf(name))).rest('/api/scripted-jobs', {
      method: 'POST',
      body: { text },
      headers: wait === '0' ? {} : { Prefer: `wait=${wait}` },
    });

  it.each(['light', 'dark'] as const)('are retried after a count, with what became of them: %s', async (theme) => {
    let mended = false;
    script('breaks', async () => {
      if (!mended) throw new JobError('BROKEN', 'Something is broken.', { retry: false });
      return { text: 'mended' };
    });
    await submit('ada', 'breaks', '20');
    await submit('eve', 'breaks', '20');
    await submit('eve', 'breaks', '20');
    const page = await openConsole(browser, app, {
      path: '/console/jobs?status=failed&caller=key:eve',
      key: keyOf('admin'),
      theme,
      size: PHONE,
    });
    await page
      .getByRole('link', { name: /scripted/ })
      .first()
      .waitFor();
    await page.getByRole('button', { name: 'Retry all…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Retry all jobs of the filter' });
    await dialog.getByText('It fits 2 jobs now.').waitFor();
    expect(await dialog.textContent()).toContain('key:eve');
    await expectAccessible(page);
    mended = true;
    await dialog.getByRole('button', { name: 'Retry 2 jobs' }).click();
    await dialog.getByText('Of 2 jobs, 2 put back into the queue.').waitFor();
    await expectAccessible(page);
    await expectNoSideways(page);
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    await page.getByText('No job fits the filter').waitFor();
    // Those of others were not meant.
    expect(
      await app.fetch('/api/jobs?status=Failed', { headers: bearer(keyOf('ada')) }).then((all) => all.json()),
    ).toMatchObject({ items: expect.arrayContaining([expect.objectContaining({ status: 'Failed' })]) });
    await page.getByRole('button', { name: 'Clear the filter' }).click();
    await page.getByText('bulkAction').first().waitFor();
  });

  it('are canceled by a caller, who has no others', async () => {
    const gate = createGate();
    script('waits', async (job) => {
      await gate.pass();
      job.signal.throwIfAborted();
      return { text: '' };
    });
    await submit('ada', 'waits');
    await submit('eve', 'waits');
    await gate.reached;
    const page = await openConsole(browser, app, { path: '/console/jobs?status=running,pending', key: keyOf('ada') });
    await page.getByRole('button', { name: 'Cancel all…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Cancel 1 job' }).click();
    await dialog.getByText('Of 1 job, 1 canceled or told to stop.').waitFor();
    gate.open();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect(await page.getByRole('button', { name: 'Cancel all…' }).isEnabled()).toBe(true);
  });

  it('are not to be canceled where the filter has none that could be', async () => {
    const page = await openConsole(browser, app, { path: '/console/jobs?status=succeeded', key: keyOf('ada') });
    await page.getByRole('heading', { name: 'Jobs' }).waitFor();
    expect(await page.getByRole('button', { name: 'Cancel all…' }).isDisabled()).toBe(true);
    expect(await page.getByRole('button', { name: 'Retry all…' }).isDisabled()).toBe(true);
  });
});
