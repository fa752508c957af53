import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, startApp } from '../support/app.ts';
import { openPageForTest, startBrowser } from '../support/browser.ts';
import { poll } from '../support/follow.ts';

const JOB_ID = /book_[\w-]{22}/;

/** Selects one of the example's operations in the menu of the button. */
async function run(page: Page, operation: string): Promise<void> {
  await page.getByRole('button', { name: 'Execute query' }).click();
  await page.getByRole('menuitem', { name: operation, exact: true }).click();
}

/** Resolves to the text of the result pane once it contains this text. */
async function resultWith(page: Page, text: string | RegExp): Promise<string> {
  const result = page.getByRole('region', { name: 'Result Window' });
  await result.filter({ hasText: text }).waitFor();
  // The editor shows non-breaking spaces.
  return ((await result.textContent()) ?? '').replaceAll('\u00a0', ' ');
}

async function setId(page: Page, id: string): Promise<void> {
  const variables = page.getByRole('region', { name: 'Variables' });
  await variables.locator('.view-lines').filter({ visible: true }).click();
  await page.keyboard.press('ControlOrMeta+A');
  // The editor adds the closing quotes and the brace.
  await page.keyboard.insertText(`{"id":"${id}`);
  await variables.getByText(`{"id":"${id}"}`).waitFor();
}

describe('GraphiQL in a browser', () => {
  let app: TestApp;
  let browser: Browser;
  beforeAll(async () => {
    [app, browser] = await Promise.all([startApp('redis'), startBrowser()]);
  });
  afterAll(async () => {
    await browser.close();
    await app.close();
  });

  it('submits the example, and polls it by the returned id', async () => {
    const page = await openPageForTest(browser);
    await page.goto(`${app.url}/graphql`);
    await run(page, 'SubmitBook');
    const [id = ''] = JOB_ID.exec(await resultWith(page, JOB_ID)) ?? [];
    await setId(page, id);
    await poll(
      async () => {
        await run(page, 'JobStatus');
        return resultWith(page, 'jobStatus');
      },
      (result) => result.includes('SUCCEEDED'),
    );
    await run(page, 'Book');
    expect(await resultWith(page, 'updatedAt')).toContain('Jane Eyre');
  });

  it('subscribes to a job, and shows its final state', async () => {
    const books = Array.from({ length: 2000 }, (_, index) => ({ id: `${index}`, title: 'Emma' }));
    const { id } = await (await app.post('/api/book-imports', { books })).json();
    const page = await openPageForTest(browser);
    await page.goto(`${app.url}/graphql`);
    await setId(page, id);
    const streamed = page.waitForResponse((response) => response.headers()['content-type'] === 'text/event-stream');
    await run(page, 'JobUpdates');
    expect((await streamed).status()).toBe(200);
    expect(await resultWith(page, 'SUCCEEDED')).toContain('2000 of 2000 books');
  });

  it('has a query in the second tab that runs as it is', async () => {
    const page = await openPageForTest(browser);
    await page.goto(`${app.url}/graphql`);
    await run(page, 'SubmitBook');
    await resultWith(page, JOB_ID);
    await page.getByRole('tab', { name: 'LatestJob' }).click();
    await page.getByRole('region', { name: 'Operation Editor' }).getByText('query LatestJob').waitFor();
    // As long as GraphiQL knows the operations of the tab before, the button opens a menu of those.
    await page
      .locator('button:not([aria-haspopup])')
      .and(page.getByRole('button', { name: 'Execute query' }))
      .click();
    const result = await resultWith(page, JOB_ID);
    expect(result).toContain('"type": "book"');
    expect(result).not.toContain('errors');
  });

  it('keeps its content across a reload', async () => {
    const page = await openPageForTest(browser);
    const tabs = page.getByRole('tab');
    const query = page.getByRole('region', { name: 'Operation Editor' });
    await page.goto(`${app.url}/graphql`);
    await setId(page, 'mine');
    // It is stored shortly after the last key press.
    for (const item of ['variables', 'tabState']) {
      await poll(
        () => page.evaluate<string | null>(`localStorage.getItem('graphiql:${item}')`),
        (kept) => kept?.includes('mine') === true,
      );
    }
    await page.reload();
    await query.getByText('mutation SubmitBook').waitFor();
    await page.getByText('{"id":"mine"}').waitFor();
    expect(await tabs.count()).toBe(2);
  });

  it('shows the query of its URL, which the server does not insert into the page', async () => {
    const query = 'query Mine { __typename } # </script>';
    const path = `/graphql?query=${encodeURIComponent(query)}`;
    const page = await openPageForTest(browser);
    await page.goto(`${app.url}${path}`);
    await page.getByText('query Mine').waitFor();
    const source = await (await app.fetch(path, { headers: { Accept: 'text/html' } })).text();
    expect(source).not.toContain('query Mine');
  });
});
