import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { z } from 'zod';
import { JobError } from '../../src/core/job-error.ts';
import { type TestApp, startApp } from '../support/app.ts';
import { startBrowser } from '../support/browser.ts';
import { PHONE, expectAccessible, expectNoSideways, openConsole } from '../support/console.ts';
import { createGate } from '../support/gate.ts';
import { script } from '../support/jobs/scripted/scripted.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');
const jobSchema = z.object({ id: z.string() });
const THEMES = ['light', 'dark'] as const;
const SIZES = { desktop: { width: 1280, height: 800 }, phone: PHONE };

describe('axe finds nothing, and a phone is wide enough', () => {
  let app: TestApp;
  let browser: Browser;
  const gate = createGate();
  const jobs = { succeeded: '', failed: '', running: '' };
  beforeAll(async () => {
    [app, browser] = await Promise.all([startApp('redis', { JOBS_DIR }), startBrowser()]);
    script('fails', () => Promise.reject(new JobError('BAD_LUCK', 'It was not to be.', { retry: false })));
    script('runs', async (job) => {
      await job.progress(40, 'four of ten');
      await gate.pass();
      return { text: '' };
    });
    const submit = async (text: string): Promise<string> =>
      jobSchema.parse(await (await app.post('/api/scripted-jobs', { text })).json()).id;
    jobs.succeeded = await submit('succeeds');
    jobs.failed = await submit('fails');
    jobs.running = await submit('runs');
    await gate.reached;
  });
  afterAll(async () => {
    gate.open();
    await browser.close();
    await app.close();
  });

  const cases = THEMES.flatMap((theme) => Object.entries(SIZES).map(([name, size]) => [theme, name, size] as const));

  it.each(cases)('with each page: %s, %s', async (theme, _name, size) => {
    const page = await openConsole(browser, app, { theme, size });
    const expectGood = async (): Promise<void> => {
      await expectAccessible(page);
      await expectNoSideways(page);
    };
    await page.getByText('Failed').nth(1).waitFor();
    await expectGood();
    await page.goto(`${app.url}/console/jobs?status=canceled&from=2026-01-01T00:00:00.000Z`);
    await page.getByText('No job fits the filter').waitFor();
    await expectGood();
    for (const id of Object.values(jobs)) {
      await page.goto(`${app.url}/console/jobs/${id}`);
      await page.getByRole('region', { name: 'Input', exact: true }).getByText('"text"').waitFor();
      await expectGood();
    }
    await page.goto(`${app.url}/console/submit`);
    await page.getByLabel('Job type').waitFor();
    await expectGood();
    await page.goto(`${app.url}/console/types`);
    await page.getByRole('heading', { name: 'Job types' }).waitFor();
    await expectGood();
    await page.getByRole('button', { name: 'Help' }).click();
    await page.getByRole('dialog').waitFor();
    await expectGood();
  });
});
