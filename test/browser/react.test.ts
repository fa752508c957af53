import type { IncomingMessage, ServerResponse } from 'node:http';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { JobError } from '../../src/core/job-error.ts';
import { type TestApp, startApp, startAppForTest } from '../support/app.ts';
import { openPageForTest, startBrowser } from '../support/browser.ts';
import { bundle } from '../support/bundle.ts';
import { poll } from '../support/follow.ts';
import { createGate } from '../support/gate.ts';
import { type Handler, forward, serve } from '../support/http-server.ts';
import { script } from '../support/jobs/scripted/scripted.ts';

const PROJECT = join(import.meta.dirname, '../..');
const PAGE = join(import.meta.dirname, 'pages/jobs.tsx');
const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');
const LATEST = 'React 19';
const VERSIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  [LATEST]: {},
  'React 18.3': { react: 'react-18', 'react-dom': 'react-dom-18' },
};

const shownSchema = z.object({
  id: z.string().optional(),
  status: z.string(),
  percentComplete: z.int(),
  message: z.string().nullable(),
  text: z.string().optional(),
  error: z.string().optional(),
});
type Shown = z.output<typeof shownSchema>;

const listSchema = z.object({
  items: z.array(z.object({ id: z.string(), tags: z.array(z.string()), priority: z.int() })),
});

/** A request of the page to the API. */
interface Request {
  /** `GET /api/jobs/…`. */
  readonly line: string;
  readonly key: string | undefined;
  readonly authorization: string | undefined;
  /** Whether its reply has ended or the page has aborted it. */
  ended: boolean;
}

/** Does something else with a request than to forward it; false if it does not. */
type Intercept = (line: string, request: IncomingMessage, response: ServerResponse) => boolean;

interface JobsPage {
  readonly page: Page;
  readonly requests: readonly Request[];
  /** The requests of a kind: `POST `, or `/events?output=false`. */
  count(part: string): number;
  submit(input: object): Promise<void>;
  click(button: string): Promise<void>;
  /** Resolves to what the page shows when that contains a text. */
  text(part: string): Promise<string>;
  /** Resolves to what the page shows when it shows this status. */
  shows(status: string, text?: string): Promise<Shown>;
  /** All that the page has shown since it was loaded. */
  shown(): Promise<Shown[]>;
}

let app: TestApp;
let browser: Browser;
beforeAll(async () => {
  [app, browser] = await Promise.all([startApp('redis', { JOBS_DIR }), startBrowser()]);
});
afterAll(async () => {
  await Promise.all([browser.close(), app.close()]);
});

/** Serves a page and the API on one origin, like a proxy. */
function servePage(code: string, handleApi: Handler): Handler {
  return (request, response) => {
    const path = request.url ?? '/';
    if (path.startsWith('/api/')) return handleApi(request, response);
    if (path === '/page.js') return response.setHeader('Content-Type', 'text/javascript').end(code);
    response.setHeader('Content-Type', 'text/html');
    return response.end('<!doctype html><title>Jobs</title><body><script type="module" src="/page.js"></script>');
  };
}

let jobs = 0;
/** A job whose function waits at a gate. Its text is unique, because all tests share the scripts. */
function gatedJob() {
  const gate = createGate();
  onTestFinished(() => gate.open());
  const text = `gated ${(jobs += 1)}`;
  script(text, async ({ signal, progress }) => {
    await progress(40, 'forty');
    const canceled = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
    await Promise.race([gate.pass(), canceled]);
    return { text: 'done' };
  });
  return { text, gate };
}

describe.each(Object.keys(VERSIONS))('the hooks with %s', (version) => {
  let code: string;
  beforeAll(async () => {
    code = await bundle(PAGE, { alias: VERSIONS[version] ?? {} });
  });

  async function openJobsPage(query = '', intercept: Intercept = () => false): Promise<JobsPage> {
    const requests: Request[] = [];
    const handleApi: Handler = (request, response) => {
      const line = `${request.method} ${request.url}`;
      const { 'idempotency-key': key, authorization } = request.headers;
      const entry: Request = { line, key: key?.toString(), authorization, ended: false };
      requests.push(entry);
      response.once('close', () => (entry.ended = true));
      return intercept(line, request, response) || forward(app.url, request, response);
    };
    const url = await serve(servePage(code, handleApi));
    const page = await openPageForTest(browser);
    const errors: string[] = [];
    page.on('console', (message) => {
      const isReply = message.text().startsWith('Failed to load resource');
      if (message.type() === 'error' && !isReply) errors.push(message.text());
    });
    onTestFinished(() => expect(errors).toEqual([]));
    await page.goto(`${url}/?${query}`);
    return {
      page,
      requests,
      count: (part) => requests.filter(({ line }) => line.includes(part)).length,
      async submit(input) {
        await page.locator('input').fill(JSON.stringify(input));
        await page.getByText('Submit').click();
      },
      click: (button) => page.getByText(button, { exact: true }).click(),
      text: (part) => page.locator('output').filter({ hasText: part }).innerText(),
      async shows(status, text = '') {
        const output = page
          .locator('output')
          .filter({ hasText: `"status":"${status}"` })
          .filter({ hasText: text });
        return shownSchema.parse(JSON.parse(await output.innerText()));
      },
      async shown() {
        const states = await page.evaluate<string[]>('states');
        return states.map((state) => shownSchema.parse(JSON.parse(state)));
      },
    };
  }

  /** Submits a job behind the page's back. */
  async function submitElsewhere(text: string): Promise<{ id: string; accessToken: string }> {
    const response = await app.post('/api/scripted-jobs', { text });
    return z.object({ id: z.string(), accessToken: z.string() }).parse(await response.json());
  }

  it('show a submission from Idle through its progress to its result', async () => {
    const { text, gate } = gatedJob();
    const jobsPage = await openJobsPage();
    expect(`React ${await jobsPage.page.evaluate<string>('version')}`).toContain(version);
    expect(await jobsPage.shows('Idle')).toEqual({ status: 'Idle', percentComplete: 0, message: null });
    await jobsPage.submit({ text });
    const running = await jobsPage.shows('Running', 'forty');
    expect(running).toMatchObject({ percentComplete: 40, message: 'forty' });
    gate.open();
    expect(await jobsPage.shows('Succeeded')).toEqual({
      id: running.id,
      status: 'Succeeded',
      percentComplete: 100,
      message: 'forty',
      text: 'done',
    });
    const shown = await jobsPage.shown();
    const statuses = new Set(shown.map(({ status }) => status));
    expect([...statuses]).toEqual(['Idle', 'Loading', 'Pending', 'Running', 'Succeeded']);
    expect(jobsPage.count('POST ')).toBe(1);
    expect(jobsPage.count('/events?output=false')).toBe(1);
  });

  // What does not depend on how React runs effects is tested with the latest version alone.
  const isLatest = version === LATEST;

  it.runIf(isLatest)('show why a job failed, and why an input was refused', async () => {
    script('fails', async () => {
      throw new JobError('NO_INK', 'There is no ink.', { retry: false });
    });
    const jobsPage = await openJobsPage();
    await jobsPage.submit({ text: 'fails' });
    expect(await jobsPage.shows('Failed')).toMatchObject({ error: 'There is no ink.' });
    await jobsPage.submit({ text: 7 });
    expect(await jobsPage.shows('Error')).toMatchObject({ error: expect.stringContaining('text') });
    // The next submission shows no error of an earlier one.
    const { text, gate } = gatedJob();
    await jobsPage.submit({ text });
    expect(await jobsPage.shows('Running')).not.toHaveProperty('error');
    gate.open();
    await jobsPage.shows('Succeeded');
  });

  it.runIf(isLatest)('cancel a running job', async () => {
    const { text, gate } = gatedJob();
    const jobsPage = await openJobsPage();
    await jobsPage.submit({ text });
    await gate.reached;
    await jobsPage.click('Cancel');
    expect(await jobsPage.shows('Canceled')).toMatchObject({ error: 'The job was canceled.' });
    expect(jobsPage.count('DELETE ')).toBe(1);
  });

  it.runIf(isLatest)('cancel a job whose submission is on its way as soon as it is accepted', async () => {
    const { text } = gatedJob();
    const { promise: canceled, resolve: cancel } = Promise.withResolvers<void>();
    const jobsPage = await openJobsPage('', (line, request, response) => {
      if (!line.startsWith('POST ')) return false;
      void canceled.then(() => forward(app.url, request, response));
      return true;
    });
    await jobsPage.submit({ text });
    await jobsPage.shows('Loading');
    await jobsPage.click('Cancel');
    cancel();
    await jobsPage.shows('Canceled');
    expect(jobsPage.count('DELETE ')).toBe(1);
  });

  it.runIf(isLatest)('show why a cancellation could not be requested, until the job is done', async () => {
    const { text, gate } = gatedJob();
    const jobsPage = await openJobsPage('', (line, _, response) => {
      if (!line.startsWith('DELETE ')) return false;
      response.destroy();
      return true;
    });
    await jobsPage.submit({ text });
    await gate.reached;
    await jobsPage.click('Cancel');
    expect(await jobsPage.shows('Running', 'error')).toMatchObject({ error: 'Failed to fetch' });
    gate.open();
    expect(await jobsPage.shows('Succeeded')).not.toHaveProperty('error');
  });

  it('resume a submission after a reload, until it is reset', async () => {
    const { text, gate } = gatedJob();
    const jobsPage = await openJobsPage('strict&resumeKey=form');
    await jobsPage.submit({ text });
    const { id } = await jobsPage.shows('Running');
    await jobsPage.page.reload();
    expect(await jobsPage.shows('Running')).toMatchObject({ id });
    gate.open();
    expect(await jobsPage.shows('Succeeded')).toMatchObject({ id, text: 'done' });
    await jobsPage.page.reload();
    expect(await jobsPage.shows('Succeeded')).toMatchObject({ id, text: 'done' });
    await jobsPage.click('Reset');
    await jobsPage.shows('Idle');
    await jobsPage.page.reload();
    await jobsPage.shows('Idle');
    expect(jobsPage.count('POST ')).toBe(1);
  });

  it('find the same job if the page is reloaded before the reply to its submission, with its options', async () => {
    const { text, gate } = gatedJob();
    let isFirst = true;
    const jobsPage = await openJobsPage(
      'strict&resumeKey=form&jobOptions={"tags":["mine"],"priority":3}',
      (line, request) => {
        if (!line.startsWith('POST ') || !isFirst) return false;
        isFirst = false;
        // The server accepts it, but the page receives no reply.
        void request.toArray().then((body) =>
          fetch(`${app.url}${request.url}`, {
            method: 'POST',
            headers: {
              'Content-Type': 'application/json',
              'Idempotency-Key': String(request.headers['idempotency-key']),
            },
            body: Buffer.concat(body),
          }),
        );
        return true;
      },
    );
    await jobsPage.submit({ text });
    await gate.reached;
    expect(await jobsPage.shows('Loading')).toMatchObject({ status: 'Loading' });
    await jobsPage.page.reload();
    const { id } = await jobsPage.shows('Running');
    gate.open();
    expect(await jobsPage.shows('Succeeded')).toMatchObject({ id, text: 'done' });
    const keys = jobsPage.requests.filter(({ line }) => line.startsWith('POST ')).map(({ key }) => key);
    expect(keys).toEqual([keys[0], keys[0]]);
    const list = await app.fetch('/api/jobs?limit=100');
    const { items } = listSchema.parse(await list.json());
    expect(items.filter((item) => item.id === id)).toEqual([{ id, tags: ['mine'], priority: 3 }]);
    const lines = jobsPage.requests.map(({ line }) => line).filter((line) => line.startsWith('POST '));
    expect(lines).toEqual([lines[0], lines[0]]);
  });

  it.runIf(isLatest)('forget a submission whose job has expired', async () => {
    const jobsPage = await openJobsPage('resumeKey=form');
    await jobsPage.page.evaluate(
      `sessionStorage.setItem('accepted:scripted:form', '{"id":"scripted_AAAAAAAAAAAAAAAAAAAAAA"}')`,
    );
    await jobsPage.page.reload();
    await poll(
      () => jobsPage.page.evaluate<number>('sessionStorage.length'),
      (length) => length === 0,
    );
    await jobsPage.shows('Idle');
    const shown = await jobsPage.shown();
    expect(shown.map(({ status }) => status)).toEqual(['Loading', 'Idle']);
  });

  it('follow a job once in strict mode, and abort when the component is unmounted', async () => {
    const { text, gate } = gatedJob();
    const { id } = await submitElsewhere(text);
    const jobsPage = await openJobsPage(`strict&id=${id}`);
    await jobsPage.shows('Running');
    expect(jobsPage.requests.map(({ line }) => line)).toEqual([`GET /api/jobs/${id}/events?output=false`]);
    expect(jobsPage.requests[0]?.ended).toBe(false);
    await jobsPage.click('Mount');
    await poll(
      async () => jobsPage.requests[0]?.ended,
      (ended) => ended === true,
    );
    await jobsPage.click('Mount');
    await jobsPage.shows('Running');
    gate.open();
    expect(await jobsPage.shows('Succeeded')).toMatchObject({ id, text: 'done' });
    expect(jobsPage.count('/events?output=false')).toBe(2);
  });

  it.runIf(isLatest)('follow and cancel a job with its access token', async () => {
    const { id, accessToken } = await submitElsewhere(gatedJob().text);
    const jobsPage = await openJobsPage(`id=${id}&accessToken=${encodeURIComponent(accessToken)}`);
    await jobsPage.shows('Running');
    await jobsPage.click('Cancel');
    await jobsPage.shows('Canceled');
    const credentials = jobsPage.requests.map(({ authorization }) => authorization);
    expect(credentials).toEqual([`Bearer ${accessToken}`, `Bearer ${accessToken}`]);
  });

  it.runIf(isLatest)('switch to another job, and show nothing more of the first', async () => {
    const [first, second] = [gatedJob(), gatedJob()];
    const { id: firstId } = await submitElsewhere(first.text);
    const { id: secondId } = await submitElsewhere(second.text);
    const jobsPage = await openJobsPage(`id=${firstId}`);
    await jobsPage.shows('Running', firstId);
    await jobsPage.page.locator('input').fill(secondId);
    await jobsPage.shows('Running', secondId);
    await poll(
      async () => jobsPage.requests[0]?.ended,
      (ended) => ended === true,
    );
    first.gate.open();
    second.gate.open();
    await jobsPage.shows('Succeeded', secondId);
    const shown = await jobsPage.shown();
    const switched = shown.findLastIndex(({ id }) => id === firstId) + 1;
    expect(shown[switched]?.status).toBe('Loading');
    expect(new Set(shown.slice(switched + 1).map(({ id }) => id))).toEqual(new Set([secondId]));
    await jobsPage.page.locator('input').fill('');
    await jobsPage.shows('Idle');
  });

  it.runIf(isLatest)('show a job that does not exist as an error', async () => {
    const jobsPage = await openJobsPage('id=scripted_AAAAAAAAAAAAAAAAAAAAAA');
    expect(await jobsPage.shows('Error')).toMatchObject({ error: expect.stringContaining('job') });
    await jobsPage.page.goto(`${jobsPage.page.url()}&output`);
    expect(await jobsPage.text('"done":false,"error":')).toContain('"values":[]');
  });

  it('show the output of a job as it is published, and that of its latest run alone', async () => {
    const PIECES = 2000;
    const gate = createGate();
    onTestFinished(() => gate.open());
    const text = `published ${(jobs += 1)}`;
    script(text, async ({ attempt, output }) => {
      if (attempt === 1) {
        await output('of an attempt that fails');
        throw new Error('on purpose');
      }
      await output('Once ');
      await gate.pass();
      for (let number = 0; number < PIECES; number += 1) await output(number);
      return { text };
    });
    const { id, accessToken } = await submitElsewhere(text);
    const jobsPage = await openJobsPage(`strict&output&id=${id}&accessToken=${encodeURIComponent(accessToken)}`);
    await jobsPage.text('{"values":["Once "],"done":false}');
    gate.open();
    expect(await jobsPage.text('"done":true')).toBe(
      JSON.stringify({ values: ['Once ', ...Array(PIECES).keys()], done: true }),
    );
    // Not once for each piece.
    expect((await jobsPage.page.evaluate<string[]>('states')).length).toBeLessThan(PIECES / 2);
    // Another job starts over, and no job has nothing.
    await jobsPage.page.locator('input').fill('');
    await jobsPage.text('{"values":[],"done":false}');
  });

  it.each(['', '&resumeKey=form', '&id=scripted_AAAAAAAAAAAAAAAAAAAAAA'])(
    'render on a server what a browser hydrates, with %j',
    async (query) => {
      const jobsPage = await openJobsPage(`hydrate${query}`);
      await jobsPage.shows(query.includes('id=') ? 'Error' : 'Idle');
      if (query.includes('resumeKey')) {
        await jobsPage.submit({ text: 'resumed' });
        await jobsPage.shows('Succeeded');
        await jobsPage.page.reload();
        await jobsPage.shows('Succeeded');
      }
      expect(await jobsPage.page.evaluate('recoveredErrors')).toEqual([]);
    },
  );
});

it('runs the component of the documentation', async () => {
  const guide = readFileSync(join(PROJECT, 'docs/clients.md'), 'utf8');
  const [, component = ''] = /```tsx\n([\s\S]*?)```/.exec(guide) ?? [];
  const folder = mkdtempSync(join(tmpdir(), 'accepted-component-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'), 'junction');
  const entry = join(folder, 'page.tsx');
  const render = "import { createRoot } from 'react-dom/client';\ncreateRoot(document.body).render(<Import />);\n";
  writeFileSync(entry, `${component}${render}`);
  const code = await bundle(entry, {
    alias: {
      'accepted/react': join(PROJECT, 'src/react/react.ts'),
      './accepted.client.ts': join(PROJECT, 'test/recipes/generated/client.ts'),
    },
  });
  const { url } = await startAppForTest('redis', {}, { project: PROJECT });
  const page = await openPageForTest(browser);
  await page.goto(await serve(servePage(code, (request, response) => forward(url, request, response))));
  await page.getByText('Import').click();
  expect(await page.locator('p').innerText()).toBe('1 customers are new.');
});
