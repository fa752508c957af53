import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { JobError } from '../../src/core/job-error.ts';
import { type TestApp, startApp } from '../support/app.ts';
import { startBrowser } from '../support/browser.ts';
import { PHONE, expectAccessible, expectNoSideways, openConsole } from '../support/console.ts';
import { createGate } from '../support/gate.ts';
import { script } from '../support/jobs/scripted/scripted.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { startReceiver } from '../support/webhook-receiver.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');
const jobSchema = z.object({ id: z.string() });

describe('the console: jobs', () => {
  let app: TestApp;
  let browser: Browser;
  beforeAll(async () => {
    [app, browser] = await Promise.all([startApp('redis', { JOBS_DIR, WEBHOOK_ALLOW: '127.0.0.1' }), startBrowser()]);
  });
  afterAll(async () => {
    await browser.close();
    await app.close();
  });

  const submit = async (text: string, query = ''): Promise<string> =>
    jobSchema.parse(await (await app.post(`/api/scripted-jobs${query}`, { text })).json()).id;
  /** The row of a job in the list. */
  const rowOf = (page: Page, id: string) =>
    page.getByRole('row').filter({ hasText: id.slice(id.indexOf('_') + 1, 17) });

  it('show what came of their webhooks, and send one again', async () => {
    const receiver = await startReceiver();
    receiver.replies((response) => response.writeHead(410).end());
    const id = await submit('webhook', `?webhook=${encodeURIComponent(receiver.url)}`);
    const page = await openConsole(browser, app, { path: `/console/jobs/${id}`, size: PHONE });
    const panel = page.getByRole('region', { name: 'Webhook' });
    await panel.getByText('Given up').waitFor();
    expect(await panel.textContent()).toContain('410');
    await expectNoSideways(page);
    await expectAccessible(page);
    receiver.replies((response) => response.writeHead(200).end());
    await panel.getByRole('button', { name: 'Send again' }).click();
    await panel.getByText('Delivered').waitFor();
    expect(await panel.getByRole('listitem').count()).toBe(2);
  });

  it('are listed as they come and change, with their progress', async () => {
    const page = await openConsole(browser, app);
    const gate = createGate();
    script('listed', async (job) => {
      await job.progress(40, 'four of ten');
      await gate.pass();
      return { text: 'done' };
    });
    /** How often the list was read as a whole: changes come by a stream. */
    let lists = 0;
    page.on('request', (request) => {
      if (request.postData()?.includes('query Jobs(') === true) lists += 1;
    });
    await page.reload();
    await page.getByText('Live').waitFor();
    // Nobody is known by name, so there is no one to tell apart.
    expect(await page.getByLabel('Caller').count()).toBe(0);
    const id = await submit('listed');
    const row = rowOf(page, id);
    await row.getByText('four of ten').waitFor();
    expect(await row.textContent()).toContain('Running');
    expect(await row.getByRole('progressbar').getAttribute('value')).toBe('40');
    gate.open();
    await row.getByText('Succeeded').waitFor();
    expect(await row.textContent()).toContain('1 of 3');
    expect(lists).toBe(1);
  });

  it('are filtered by what the URL says, also after a reload', async () => {
    script('bad', () => Promise.reject(new JobError('BAD_LUCK', 'It was not to be.', { retry: false })));
    const [good, bad] = [await submit('good'), await submit('bad')];
    const page = await openConsole(browser, app);
    await rowOf(page, good).getByText('Succeeded').waitFor();
    await rowOf(page, bad).getByText('BAD_LUCK').waitFor();
    await page.getByRole('button', { name: 'Failed' }).click();
    await rowOf(page, good).waitFor({ state: 'detached' });
    expect(new URL(page.url()).search).toBe('?status=failed');

    await page.getByLabel('Type').selectOption('scripted');
    await page.getByLabel('Created').selectOption('Last hour');
    await page.reload();
    await rowOf(page, bad).waitFor();
    expect(await rowOf(page, good).count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Failed' }).getAttribute('aria-pressed')).toBe('true');
    expect(new URL(page.url()).search).toBe('?type=scripted&status=failed&from=1h');

    await page.getByRole('button', { name: 'Failed' }).click();
    await page.getByRole('button', { name: 'Canceled' }).click();
    await page.getByText('No job fits the filter').waitFor();
    await page.getByRole('button', { name: 'Clear the filter' }).click();
    await rowOf(page, good).waitFor();
  });

  it('show the options of their submission, and are filtered by a tag', async () => {
    const plain = await submit('plain');
    const tagged = await submit('tagged', '?tags=red,blue 7&priority=4&delaySeconds=3600&startWithinSeconds=60');
    const page = await openConsole(browser, app);
    await rowOf(page, plain).waitFor();
    await page.getByRole('searchbox', { name: 'Tag' }).fill('red');
    await rowOf(page, plain).waitFor({ state: 'detached' });
    expect(new URL(page.url()).search).toBe('?tag=red');
    await rowOf(page, tagged).getByRole('link').first().click();
    const facts = page.getByRole('region', { name: 'Facts' });
    await facts.getByText('Scheduled').waitFor();
    const text = await facts.textContent();
    for (const name of ['Scheduled', 'Start before', 'Priority4', 'red, blue 7']) expect(text).toContain(name);
    await facts.getByRole('link', { name: 'blue 7' }).click();
    await rowOf(page, tagged).waitFor();
    expect(new URL(page.url()).searchParams.get('tag')).toBe('blue 7');
  });

  it('are reached with the keyboard alone', async () => {
    const first = await submit('first');
    const second = await submit('second');
    const page = await openConsole(browser, app);
    await rowOf(page, second).getByText('Succeeded').waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.getByText(first, { exact: true }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('heading', { name: 'Jobs' }).waitFor();

    await page.keyboard.press('/');
    await page.keyboard.type(second);
    await page.keyboard.press('Enter');
    await page.getByText(second, { exact: true }).waitFor();
    expect(page.url()).toBe(`${app.url}/console/jobs/${second}`);

    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(page.url()).toBe(`${app.url}/console/jobs/${second}`);
  });

  it('are pages of fifty', async () => {
    const ids = [];
    for (let index = 0; index < 55; index += 1) ids.push(await submit(`many ${index}`));
    const page = await openConsole(browser, app);
    await rowOf(page, ids.at(-1) ?? '').waitFor();
    expect(await page.locator('tbody tr').count()).toBe(50);
    await page.getByRole('link', { name: 'Older than these 50' }).click();
    await rowOf(page, ids[0] ?? '').waitFor();
    await page.getByRole('link', { name: 'Newest' }).click();
    await rowOf(page, ids.at(-1) ?? '').waitFor();
  });

  it('have a timeline that grows, a result, and their input', async () => {
    const gate = createGate();
    let attempt = 0;
    script('twice', async (job) => {
      attempt += 1;
      if (attempt === 1) throw new JobError('TRY_AGAIN', 'Not yet.');
      await job.progress(10, 'began');
      await gate.pass();
      await job.progress(90, 'nearly there');
      return { text: 'at last' };
    });
    const id = await submit('twice');
    const page = await openConsole(browser, app, { path: `/console/jobs/${id}` });
    const timeline = page.getByRole('region', { name: 'Timeline' });
    await timeline.getByText('began').waitFor();
    expect(await timeline.textContent()).toMatch(/Queued.*Attempt 1.*TRY_AGAIN Not yet\..*Attempt 2.*began/);
    gate.open();
    await timeline.getByText('Succeeded').waitFor();
    await page.getByRole('region', { name: 'Result' }).getByText('"at last"').waitFor();
    expect(await page.getByRole('region', { name: 'Input' }).textContent()).toContain('"text": "twice"');
    expect(await page.getByRole('button', { name: 'Cancel' }).count()).toBe(0);
    expect(await page.title()).toBe('scripted · succeeded · Accepted');
  });

  it('are canceled and retried', async () => {
    const gate = createGate();
    let canceled = false;
    script('stop me', async (job) => {
      if (canceled) return { text: 'second life' };
      await gate.pass();
      job.signal.throwIfAborted();
      return { text: 'too late' };
    });
    const id = await submit('stop me');
    const page = await openConsole(browser, app, { path: `/console/jobs/${id}` });
    await gate.reached;
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('heading', { name: 'Canceled' }).or(page.getByText('JOB_CANCELED')).first().waitFor();
    canceled = true;
    gate.open();
    await page.getByRole('button', { name: 'Retry' }).click();
    await page.getByRole('region', { name: 'Result' }).getByText('second life').waitFor();
    expect(await page.getByRole('button', { name: 'Retry' }).count()).toBe(0);
  });

  it('of hostile callers are shown as text', async () => {
    const evil = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>';
    script(evil, async (job) => {
      await job.progress(50, evil);
      throw new JobError('EVIL', `${evil} `.repeat(8), { retry: false });
    });
    const id = await submit(evil);
    const page = await openConsole(browser, app, { size: PHONE });
    await rowOf(page, id).getByText('Failed').waitFor();
    await rowOf(page, id).getByRole('link').click();
    await page.getByRole('region', { name: 'Input' }).getByText('onerror').waitFor();
    await page.getByRole('region', { name: 'Error' }).getByText('onerror').waitFor();
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(await page.title()).toBe('scripted · failed · Accepted');
    await expectNoSideways(page);
  });

  it('with a large input show its beginning, and all of it on demand', async () => {
    const text = `${'x'.repeat(300_000)}END`;
    const id = await submit(text);
    const page = await openConsole(browser, app, { path: `/console/jobs/${id}`, size: PHONE });
    const input = page.getByRole('region', { name: 'Input', exact: true });
    const all = input.getByRole('button', { name: /Show all 300,0\d\d characters/ });
    await all.waitFor();
    await expectNoSideways(page);
    expect((await input.textContent())?.length).toBeLessThan(5000);
    await all.click();
    await input.getByText('END').waitFor();
    await expectNoSideways(page);
  });

  it('are followed again after the connection was lost, and stay on the page meanwhile', async () => {
    const proxy = await startTcpProxy(app.url);
    onTestFinished(() => proxy.close());
    const gate = createGate();
    script('cut off', async (job) => {
      await job.progress(10, 'before the cut');
      await gate.pass();
      return { text: 'after the cut' };
    });
    const id = await submit('cut off');
    const page = await openConsole(browser, { url: proxy.url.replace(/\/$/, '') }, { path: `/console/jobs/${id}` });
    await page.getByText('before the cut').waitFor();
    const unblock = proxy.block();
    await page.getByText('Reconnecting…').waitFor();
    expect(await page.getByText('before the cut').isVisible()).toBe(true);
    gate.open();
    unblock();
    await page.getByRole('region', { name: 'Result' }).getByText('after the cut').waitFor();
  });

  it('that are not there are said to be missing', async () => {
    const page = await openConsole(browser, app, { path: '/console/jobs/scripted_nothing' });
    await page.getByText('There is no such job').waitFor();
    await page.getByRole('link', { name: 'Show the jobs' }).click();
    await page.getByRole('heading', { name: 'Jobs' }).waitFor();
    expect(page.url()).toBe(`${app.url}/console/jobs`);
  });

  it('show output as it comes, with a mark where a further run begins', async () => {
    const gate = createGate();
    script('talks', async (job) => {
      if (job.attempt === 1) {
        await job.output('Once upon ');
        await job.output('a time');
        throw new Error('on purpose');
      }
      await job.output({ rows: 3 });
      await gate.pass();
      await job.output('The end.');
      return { text: 'done' };
    });
    const id = await submit('talks');
    await gate.reached;
    const page = await openConsole(browser, app, { path: `/console/jobs/${id}` });
    const output = page.getByRole('region', { name: 'Output' });
    await output.getByText('{"rows":3}').waitFor();
    expect(await output.locator('pre').textContent()).toBe('Once upon a timeAttempt 2{"rows":3}');
    gate.open();
    await output.getByText('The end.').waitFor();
    await page.getByRole('heading', { name: 'Succeeded' }).waitFor();
    const silent = await submit('silent');
    await page.goto(`${app.url}/console/jobs/${silent}`);
    await page.getByRole('region', { name: 'Result' }).waitFor();
    expect(await output.count()).toBe(0);
  });
});
