import { once } from 'node:events';
import { ClientError, GraphQLClient } from 'graphql-request';
import { afterAll, assert, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type TestApp, startApp } from '../support/app.ts';
import type { JobsQuery } from '../support/generated/graphql.ts';
import {
  CancelJob,
  JobStatus,
  JobUpdates,
  JobUpdatesWithResult,
  ListJobs,
  ReadBook,
  RetryJob,
  SubmitBook,
  SubmitBookImport,
} from '../support/operations.ts';
import { createGate } from '../support/gate.ts';
import { startScriptedApp } from '../support/scripted-app.ts';
import { BACKENDS } from '../support/stores.ts';
import { subscribe } from '../support/subscribe.ts';

const NONE = 'book_AAAAAAAAAAAAAAAAAAAAAA';

const extensionsSchema = z.object({
  code: z.string(),
  issues: z.array(z.object({ path: z.array(z.union([z.string(), z.number()])), message: z.string() })).optional(),
});

/** The code of a request's only error, and the arguments or fields that it names. */
async function refusalOf(request: Promise<unknown>): Promise<{ code: string; paths: string[] }> {
  const error = await request.then(
    () => expect.fail('it was accepted'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ClientError)) throw error;
  const [first, ...others] = error.response.errors ?? [];
  expect(others).toEqual([]);
  const { code, issues = [] } = extensionsSchema.parse(first?.extensions);
  return { code, paths: issues.map(({ path }) => path.join('.')) };
}

describe.each(BACKENDS)('graphql-request with generated types on %s', (backend) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(backend);
  });
  afterAll(() => app.close());

  const submit = async (id: string, fields: { isbn?: string } = {}): Promise<string> => {
    const input = { id, title: 'Jane Eyre', ...fields };
    const { submitBook } = await app.graphql.request(SubmitBook, { input });
    assert(submitBook);
    return submitBook.jobId;
  };
  const submitImport = async (count: number): Promise<string> => {
    const books = Array.from({ length: count }, (_, index) => ({ id: `row-${index}`, title: 'Emma' }));
    const { submitBookImport } = await app.graphql.request(SubmitBookImport, { input: { books } });
    assert(submitBookImport);
    return submitBookImport.jobId;
  };
  const waitFor = async (id: string) => (await app.graphql.request(JobStatus, { id, waitSeconds: 50 })).jobStatus;

  it('submits, waits for the end in one request, and reads the resource', async () => {
    expect(await waitFor(await submit('42'))).toMatchObject({
      status: 'SUCCEEDED',
      book: { id: '42', title: 'Jane Eyre' },
    });
    const { book } = await app.graphql.request(ReadBook, { id: '42' });
    expect(book).toMatchObject({ id: '42', title: 'Jane Eyre' });
    expect((await app.graphql.request(ReadBook, { id: 'none' })).book).toBeNull();
    expect((await app.graphql.request(JobStatus, { id: NONE, waitSeconds: 50 })).jobStatus).toBeNull();
  });

  it('follows a submitted job to its end', async () => {
    const { results } = subscribe(app.url, JobUpdatesWithResult, { id: await submitImport(2000) });
    const states = await Array.fromAsync(results, ({ data }) => data?.jobUpdates);
    expect(states.at(-1)).toMatchObject({ status: 'SUCCEEDED', import: { imported: 2000, updated: 0 } });
  });

  it('returns the same job for the same idempotency key, as argument, as header and on REST', async () => {
    const variables = { input: { id: '43', title: 'Walden' } };
    const idempotencyKey = 'order 7';
    const { submitBook: first } = await app.graphql.request(SubmitBook, { ...variables, idempotencyKey });
    assert(first);
    const again = await app.graphql.request(SubmitBook, { ...variables, idempotencyKey });
    const headers = { 'Idempotency-Key': '"order 7"' };
    const byHeader = await app.graphql.request(SubmitBook, variables, headers);
    const byRest = await app.fetch('/api/books', {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json' },
      body: JSON.stringify(variables.input),
    });

    expect(first.replayed).toBe(false);
    expect(again.submitBook).toMatchObject({ jobId: first.jobId, replayed: true });
    expect(byHeader.submitBook).toMatchObject({ jobId: first.jobId, replayed: true });
    expect(byRest.headers.get('idempotency-replayed')).toBe('true');
    expect(byRest.headers.get('location')).toBe(first.statusUrl);

    const other = { input: { id: '43', title: 'Dracula' } };
    const byArgument = await refusalOf(app.graphql.request(SubmitBook, { ...other, idempotencyKey }));
    expect(byArgument).toEqual({ code: 'IDEMPOTENCY_KEY_REUSED', paths: [] });
    expect(await refusalOf(app.graphql.request(SubmitBook, other, headers))).toEqual(byArgument);
  });

  it('pages through jobs of one type and status, newest first, each once', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) ids.push(await submit(`failed-${index}`, { isbn: 'none' }));
    for (const id of ids) expect(await waitFor(id)).toMatchObject({ status: 'FAILED' });

    const pages: string[][] = [];
    let after: string | null | undefined;
    do {
      const page: JobsQuery = await app.graphql.request(ListJobs, {
        type: 'book',
        status: ['FAILED'],
        first: 2,
        after: after ?? null,
      });
      const { edges, nodes, pageInfo } = page.jobs;
      expect(edges.map(({ node }) => node.id)).toEqual(nodes.map(({ id }) => id));
      pages.push(nodes.map(({ id }) => id));
      after = pageInfo.hasNextPage ? pageInfo.endCursor : undefined;
    } while (after !== undefined);
    expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
    expect(pages.flat()).toEqual(ids.toReversed());
  });

  it('retries a failed job with all its attempts, and keeps its history', async () => {
    const id = await submit('44', { isbn: 'none' });
    expect(await waitFor(id)).toMatchObject({ status: 'FAILED', error: { code: 'INVALID_ISBN' }, attempt: 1 });
    const { retryJob } = await app.graphql.request(RetryJob, { id });
    assert(retryJob);
    expect(retryJob.id).toBe(id);
    // The worker may have run it again already.
    expect(retryJob.history[0]).toEqual({ attempt: 1, error: { code: 'INVALID_ISBN' } });
    expect(await waitFor(id)).toMatchObject({ status: 'FAILED', attempt: 2 });
  });

  it('cancels a pending job at once and a running one soon, and retries a canceled one', async () => {
    const started = createGate();
    const scripted = await startScriptedApp({
      backend,
      async run({ signal }) {
        started.open();
        await once(signal, 'abort');
        signal.throwIfAborted();
      },
    });
    const graphql = new GraphQLClient(`${scripted.url}/graphql`);
    const id = await scripted.submit();
    const canceled = { id, status: 'CANCELED', error: { code: 'JOB_CANCELED' } };
    expect((await graphql.request(CancelJob, { id })).cancelJob).toEqual(canceled);
    const { retryJob } = await graphql.request(RetryJob, { id });
    expect(retryJob).toMatchObject({ id, status: 'PENDING', done: false, error: null });

    scripted.startWorker();
    await started.opened;
    expect((await graphql.request(CancelJob, { id })).cancelJob).toMatchObject({ id });
    const states = await Array.fromAsync(subscribe(scripted.url, JobUpdates, { id }).results);
    expect(states.at(-1)?.data?.jobUpdates).toMatchObject({ id, status: 'CANCELED', done: true });
  });

  it('gets an error code for canceling or retrying an unknown or a succeeded job', async () => {
    const id = await submit('45');
    await waitFor(id);
    for (const Operation of [CancelJob, RetryJob]) {
      expect(await refusalOf(app.graphql.request(Operation, { id: NONE }))).toEqual({ code: 'NOT_FOUND', paths: [] });
      expect(await refusalOf(app.graphql.request(Operation, { id }))).toEqual({ code: 'CONFLICT', paths: [] });
    }
  });

  it.each([
    ['waitSeconds', { waitSeconds: -1 }, JobStatus],
    ['first', { first: 0 }, ListJobs],
    ['first', { first: 101 }, ListJobs],
    ['after', { after: 'nonsense' }, ListJobs],
    ['type', { type: 'nonsense' }, ListJobs],
    ['status.0', { status: ['NONSENSE'] }, ListJobs],
  ])('gets an error that names %s in %o', async (path, variables, Operation) => {
    const request = app.graphql.request<unknown>(Operation, { id: NONE, ...variables });
    expect(await refusalOf(request)).toEqual({ code: 'BAD_USER_INPUT', paths: [path] });
  });
});
