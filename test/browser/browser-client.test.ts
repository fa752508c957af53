import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestApp, startApp } from '../support/app.ts';
import { openPageForTest, startBrowser } from '../support/browser.ts';
import { forward, serve } from '../support/http-server.ts';
import { type Step, cut, event, events, json, startScriptedServer } from '../support/scripted-server.ts';

const CLIENT = join(import.meta.dirname, '../../src/client');
const ROWS = 6000;

const IMPORT = `client.submitAndWait(
  'bookImport',
  { books: Array.from({ length: ${ROWS} }, (_, index) => ({ id: 'web-' + index, title: 'Book ' + index })) },
  { onProgress },
)`;

/** Shows the progress of a client call, and then its result. */
const pageFor = (call: string): string => `<!doctype html>
<title>Progress</title>
<progress max="100" value="0"></progress>
<output></output>
<script type="module">
  import { createClient } from '/client/client.ts';

  const bar = document.querySelector('progress');
  const values = (window.values = []);
  const onProgress = (job) => {
    bar.value = job.percentComplete;
    values.push(bar.value);
  };
  const client = createClient({ baseUrl: '', collections: { bookImport: 'book-imports' } });
  document.querySelector('output').textContent = JSON.stringify(await ${call});
</script>`;

/** Serves a page and the API on one origin, like a proxy, and the client's modules with their types stripped. */
function servePage(api: string, call: string): Promise<string> {
  return serve((request, response) => {
    const path = request.url ?? '/';
    if (path.startsWith('/api/')) return forward(api, request, response);
    if (path === '/') return response.setHeader('Content-Type', 'text/html').end(pageFor(call));
    const file = /^\/client\/([\w-]+\.ts)$/.exec(path)?.[1];
    if (file === undefined) return response.writeHead(404).end();
    response.setHeader('Content-Type', 'text/javascript');
    return response.end(stripTypeScriptTypes(readFileSync(join(CLIENT, file), 'utf8')));
  });
}

let app: TestApp;
let browser: Browser;
beforeAll(async () => {
  [app, browser] = await Promise.all([startApp('redis'), startBrowser()]);
});
afterAll(async () => {
  await Promise.all([browser.close(), app.close()]);
});

it('moves a progress bar to the end in a browser', async () => {
  const page = await openPageForTest(browser);
  await page.goto(await servePage(app.url, IMPORT));
  const output = page.locator('output:not(:empty)');
  expect(JSON.parse(await output.innerText())).toEqual({ imported: ROWS, updated: 0, rejected: [] });
  const values = await page.evaluate<number[]>('values');
  expect(values).toEqual(values.toSorted((a, b) => a - b));
  expect(values.at(-1)).toBe(100);
  expect(values.some((value) => value > 0 && value < 100)).toBe(true);
  expect(await page.evaluate<number>("document.querySelector('progress').position")).toBe(1);
});

it('resumes a broken stream in a browser', async () => {
  const job = { id: 'book_1', type: 'book', done: false, percentComplete: 30, error: null, retryAfter: 1 };
  const running = event({ ...job, status: 'Running' });
  const succeeded = event({ ...job, status: 'Succeeded', done: true, percentComplete: 100 });
  let stream: ServerResponse | undefined;
  const broken: Step = (response, request) => {
    stream = response;
    return events([running], 'hang')(response, request);
  };
  const server = await startScriptedServer({
    'GET /api/jobs/book_1/events?output=false': [broken, cut, events([succeeded])],
    'GET /api/jobs/book_1/result': [json(200, { id: '42' })],
  });
  const page = await openPageForTest(browser);
  await page.goto(await servePage(server.url, `client.wait('book_1', { onProgress })`));
  await page.locator('progress[value="30"]').waitFor();
  stream?.destroy();
  expect(JSON.parse(await page.locator('output:not(:empty)').innerText())).toEqual({ id: '42' });
  expect(await page.evaluate<number[]>('values')).toEqual([30, 100]);
  const ids = server.requests.map(({ headers }) => headers['last-event-id']);
  const [id] = /(?<=id: )\w+/.exec(running) ?? [];
  expect(ids).toEqual([undefined, id, id, undefined]);
});
