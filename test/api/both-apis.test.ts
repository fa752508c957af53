import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { afterAll, assert, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type TestApp, startApp, startAppForTest } from '../support/app.ts';
import { poll } from '../support/follow.ts';
import { JobStatus, ReadBook, SubmitBook, SubmitBookImport } from '../support/operations.ts';
import { BACKENDS, createStore } from '../support/stores.ts';

const APIS = ['GraphQL', 'REST'] as const;
type Api = (typeof APIS)[number];

describe.each(BACKENDS)('both APIs on %s', (backend) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(backend);
  });
  afterAll(() => app.close());

  const submit: Record<Api, (input: object) => Promise<string>> = {
    async GraphQL(input) {
      const { submitBook } = await app.graphql.request(SubmitBook, {
        input: { id: '', title: '', ...input },
      });
      assert(submitBook);
      expect(submitBook.statusUrl).toBe(`${app.url}/api/jobs/${submitBook.jobId}`);
      expect(submitBook.job).toMatchObject({
        id: submitBook.jobId,
        status: 'PENDING',
        done: false,
        retryAfter: expect.any(Number),
      });
      return submitBook.jobId;
    },
    async REST(input) {
      const response = await app.post('/api/books', input);
      expect(response.status).toBe(202);
      const job = await response.json();
      expect(response.headers.get('location')).toBe(`${app.url}/api/jobs/${job.id}`);
      expect(response.headers.get('retry-after')).toMatch(/^[1-9]\d?$/);
      expect(job).toMatchObject({
        type: 'book',
        status: 'Pending',
        done: false,
        statusUrl: response.headers.get('location'),
      });
      return job.id;
    },
  };

  /** The final state of a job by each API, in the same shape. */
  const follow: Record<Api, (id: string) => Promise<{ status: string; book: unknown; error: unknown }>> = {
    async GraphQL(id) {
      const { jobStatus } = await poll(
        () => app.graphql.request(JobStatus, { id }),
        (answer) => answer.jobStatus?.done === true,
      );
      const book = jobStatus && 'book' in jobStatus ? jobStatus.book : null;
      return { status: jobStatus?.status ?? '', book, error: jobStatus?.error ?? null };
    },
    async REST(id) {
      const done = await poll(
        () => app.fetch(`/api/jobs/${id}`),
        (answer) => answer.status !== 202,
      );
      expect(done.status).toBe(303);
      const job = await done.json();
      const target = await app.fetch(done.headers.get('location') ?? '');
      return { status: job.status.toUpperCase(), book: target.ok ? await target.json() : null, error: job.error };
    },
  };

  it.each(APIS.flatMap((first) => APIS.map((second) => [first, second] as const)))(
    'a job submitted by %s can be followed by %s',
    async (first, second) => {
      const id = `${first}-${second}`;
      const jobId = await submit[first]({
        id,
        title: '  Moby   Dick',
        publisher: 'Penguin',
        isbn: '0-201-53082-1',
        language: 'EN',
      });
      const { status, book, error } = await follow[second](jobId);
      expect(status).toBe('SUCCEEDED');
      expect(error).toBeNull();
      const expected = {
        id,
        title: 'Moby Dick',
        publisher: 'Penguin',
        isbn: '0201530821',
        language: 'en',
      };
      expect(book).toMatchObject(expected);
      expect((await app.graphql.request(ReadBook, { id })).book).toEqual(book);
      expect(await (await app.fetch(`/api/books/${id}`)).json()).toEqual(book);
    },
  );

  it.each(APIS.flatMap((first) => APIS.map((second) => [first, second] as const)))(
    'an invalid ISBN, submitted by %s, fails with its code on %s',
    async (first, second) => {
      const jobId = await submit[first]({ id: 'no-isbn', title: 'Nobody', isbn: 'call me' });
      const { status, error } = await follow[second](jobId);
      expect(status).toBe('FAILED');
      expect(error).toMatchObject({ code: 'INVALID_ISBN' });
      expect(await (await app.fetch('/api/books/no-isbn')).json()).toMatchObject({ status: 404 });
    },
  );

  it('an import reports invalid rows, and stores the others', async () => {
    const books = Array.from({ length: 600 }, (_, index) => ({
      id: `row-${index}`,
      title: `Book ${index}`,
    }));
    Object.assign(books[3] ?? {}, { isbn: '1' });
    Object.assign(books[599] ?? {}, { isbn: 'none' });

    const { submitBookImport } = await app.graphql.request(SubmitBookImport, { input: { books } });
    assert(submitBookImport);
    const first = await poll(
      () => app.graphql.request(JobStatus, { id: submitBookImport.jobId }),
      (answer) => answer.jobStatus?.done === true,
    );
    expect(first.jobStatus).toMatchObject({
      status: 'SUCCEEDED',
      percentComplete: 100,
      message: '600 of 600 books',
      resourceUrl: null,
    });
    const rejected = [
      { index: 3, code: 'INVALID_ISBN' },
      { index: 599, code: 'INVALID_ISBN' },
    ];
    expect(first.jobStatus).toMatchObject({ import: { imported: 598, updated: 0, rejected } });

    // The same import by the other API: every book is there already.
    const accepted = await app.post('/api/book-imports', { books });
    const done = await poll(
      () => app.fetch(accepted.headers.get('location') ?? ''),
      (answer) => answer.status === 303,
    );
    expect(done.headers.get('location')).toMatch(/\/api\/jobs\/[^/]+\/result$/);
    const result = await app.fetch(done.headers.get('location') ?? '');
    expect(await result.json()).toMatchObject({ imported: 0, updated: 598, rejected });
  });

  it('an import accepts 10,000 rows', async () => {
    const books = Array.from({ length: 10_000 }, (_, index) => ({
      id: `large-${index}`,
      title: `Book ${index}`,
      publisher: `Publisher ${index}`,
      language: 'EN',
    }));
    const accepted = await app.post('/api/book-imports', { books });
    expect(accepted.status).toBe(202);
    const result = await poll(
      () => app.fetch(`${accepted.headers.get('location')}?onComplete=stream`),
      (answer) => answer.status !== 202,
    );
    expect(await result.json()).toEqual({ imported: 10_000, updated: 0, rejected: [] });
  });
});

it('a finished job of a type whose file is gone is read through both APIs', async () => {
  const store = await createStore('redis');
  onTestFinished(() => store.remove());
  const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');
  const before = await startApp('redis', { JOBS_DIR }, { store });
  const text = randomUUID();
  const { id } = await (await before.post('/api/scripted-jobs', { text })).json();
  expect((await before.fetch(`/api/jobs/${id}?onPending=synchronous`)).status).toBe(303);
  await before.close();

  const app = await startAppForTest('redis', { LOG_LEVEL: 'silent' }, { store });
  const done = await app.fetch(`/api/jobs/${id}`);
  expect(done.status).toBe(303);
  const resultUrl = done.headers.get('location');
  expect(await (await app.fetch(resultUrl ?? '')).json()).toEqual({ text });
  const query = `{ jobStatus(id: "${id}") { __typename id type status resultUrl } }`;
  expect(await app.graphql.request(query)).toEqual({
    jobStatus: { __typename: 'JobOfRemovedType', id, type: 'scripted', status: 'SUCCEEDED', resultUrl },
  });
});
