import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { afterAll, assert, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type TestApp, startApp, startAppForTest } from '../support/app.ts';
import { poll } from '../support/follow.ts';
import { JobStatus, ReadCustomer, SubmitCustomer, SubmitCustomerImport } from '../support/operations.ts';
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
      const { submitCustomer } = await app.graphql.request(SubmitCustomer, {
        input: { id: '', customername: '', ...input },
      });
      assert(submitCustomer);
      expect(submitCustomer.statusUrl).toBe(`${app.url}/api/jobs/${submitCustomer.jobId}`);
      expect(submitCustomer.job).toMatchObject({
        id: submitCustomer.jobId,
        status: 'PENDING',
        done: false,
        retryAfter: expect.any(Number),
      });
      return submitCustomer.jobId;
    },
    async REST(input) {
      const response = await app.post('/api/customers', input);
      expect(response.status).toBe(202);
      const job = await response.json();
      expect(response.headers.get('location')).toBe(`${app.url}/api/jobs/${job.id}`);
      expect(response.headers.get('retry-after')).toMatch(/^[1-9]\d?$/);
      expect(job).toMatchObject({
        type: 'customer',
        status: 'Pending',
        done: false,
        statusUrl: response.headers.get('location'),
      });
      return job.id;
    },
  };

  /** The final state of a job by each API, in the same shape. */
  const follow: Record<Api, (id: string) => Promise<{ status: string; customer: unknown; error: unknown }>> = {
    async GraphQL(id) {
      const { jobStatus } = await poll(
        () => app.graphql.request(JobStatus, { id }),
        (answer) => answer.jobStatus?.done === true,
      );
      const customer = jobStatus && 'customer' in jobStatus ? jobStatus.customer : null;
      return { status: jobStatus?.status ?? '', customer, error: jobStatus?.error ?? null };
    },
    async REST(id) {
      const done = await poll(
        () => app.fetch(`/api/jobs/${id}`),
        (answer) => answer.status !== 202,
      );
      expect(done.status).toBe(303);
      const job = await done.json();
      const target = await app.fetch(done.headers.get('location') ?? '');
      return { status: job.status.toUpperCase(), customer: target.ok ? await target.json() : null, error: job.error };
    },
  };

  it.each(APIS.flatMap((first) => APIS.map((second) => [first, second] as const)))(
    'a job submitted by %s can be followed by %s',
    async (first, second) => {
      const id = `${first}-${second}`;
      const jobId = await submit[first]({
        id,
        customername: '  Grace   Hopper',
        email: 'GRACE@example.com',
        phone: '(202) 456-1111',
        country: 'us',
      });
      const { status, customer, error } = await follow[second](jobId);
      expect(status).toBe('SUCCEEDED');
      expect(error).toBeNull();
      const expected = {
        id,
        customername: 'Grace Hopper',
        email: 'grace@example.com',
        phone: '+12024561111',
        country: 'US',
      };
      expect(customer).toMatchObject(expected);
      expect((await app.graphql.request(ReadCustomer, { id })).customer).toEqual(customer);
      expect(await (await app.fetch(`/api/customers/${id}`)).json()).toEqual(customer);
    },
  );

  it.each(APIS.flatMap((first) => APIS.map((second) => [first, second] as const)))(
    'an invalid phone number, submitted by %s, fails with its code on %s',
    async (first, second) => {
      const jobId = await submit[first]({ id: 'no-phone', customername: 'Nobody', phone: 'call me' });
      const { status, error } = await follow[second](jobId);
      expect(status).toBe('FAILED');
      expect(error).toMatchObject({ code: 'INVALID_PHONE' });
      expect(await (await app.fetch('/api/customers/no-phone')).json()).toMatchObject({ status: 404 });
    },
  );

  it('an import reports invalid rows, and stores the others', async () => {
    const customers = Array.from({ length: 600 }, (_, index) => ({
      id: `row-${index}`,
      customername: `Customer ${index}`,
    }));
    customers[3] = { id: 'row-3', customername: '  ' };
    customers[599] = { id: 'row-0', customername: 'Again' };
    Object.assign(customers[300] ?? {}, { phone: '1' });
    Object.assign(customers[301] ?? {}, { email: 'not an address' });
    Object.assign(customers[302] ?? {}, { country: 'ZZ' });

    const { submitCustomerImport } = await app.graphql.request(SubmitCustomerImport, { input: { customers } });
    assert(submitCustomerImport);
    const first = await poll(
      () => app.graphql.request(JobStatus, { id: submitCustomerImport.jobId }),
      (answer) => answer.jobStatus?.done === true,
    );
    expect(first.jobStatus).toMatchObject({
      status: 'SUCCEEDED',
      percentComplete: 100,
      message: '600 of 600 customers',
      resourceUrl: null,
    });
    const rejected = [
      { index: 3, code: 'INVALID_CUSTOMERNAME' },
      { index: 300, code: 'INVALID_PHONE' },
      { index: 301, code: 'INVALID_EMAIL' },
      { index: 302, code: 'INVALID_COUNTRY' },
      { index: 599, code: 'DUPLICATE_ID' },
    ];
    expect(first.jobStatus).toMatchObject({ import: { imported: 595, updated: 0, rejected } });

    // The same import by the other API: every customer exists already.
    const accepted = await app.post('/api/customer-imports', { customers });
    const done = await poll(
      () => app.fetch(accepted.headers.get('location') ?? ''),
      (answer) => answer.status === 303,
    );
    expect(done.headers.get('location')).toMatch(/\/api\/jobs\/[^/]+\/result$/);
    const result = await app.fetch(done.headers.get('location') ?? '');
    expect(await result.json()).toMatchObject({ imported: 0, updated: 595, rejected });
  });

  it('an import checks each row by itself, whatever it is', async () => {
    const good = (id: string) => ({ id, customername: 'Good' });
    const accepted = await app.post('/api/customer-imports', {
      customers: [
        good('by-itself-1'),
        { id: 7 },
        { ...good('by-itself-2'), fax: '1' },
        { id: 'by-itself-3', customername: 'A\ud800' },
        { id: 'by-itself-4', customername: 'A', 'b\u0000': 1 },
        'text',
        null,
        { ...good('by-itself-5'), country: `a${'\u0301\u0316'.repeat(40_000)}` },
      ],
    });
    expect(accepted.status).toBe(202);
    const result = await poll(
      () => app.fetch(`${accepted.headers.get('location')}?onComplete=stream`),
      (answer) => answer.status !== 202,
    );
    expect(await result.json()).toMatchObject({
      imported: 1,
      rejected: [
        { index: 1, code: 'INVALID_ID' },
        { index: 2, code: 'INVALID_ROW', message: expect.stringContaining('fax') },
        { index: 3, code: 'INVALID_CUSTOMERNAME' },
        { index: 4, code: 'INVALID_ROW' },
        { index: 5, code: 'INVALID_ROW' },
        { index: 6, code: 'INVALID_ROW' },
        { index: 7, code: 'INVALID_COUNTRY' },
      ],
    });

    const customers = [{ id: '1' }, { id: 'by-itself-6', customername: '\udc00' }, good('by-itself-7')];
    const { submitCustomerImport } = await app.graphql.request(SubmitCustomerImport, { input: { customers } });
    assert(submitCustomerImport);
    const { jobStatus } = await poll(
      () => app.graphql.request(JobStatus, { id: submitCustomerImport.jobId }),
      (answer) => answer.jobStatus?.done === true,
    );
    expect(jobStatus).toMatchObject({
      import: {
        imported: 1,
        rejected: [
          { index: 0, code: 'INVALID_CUSTOMERNAME' },
          { index: 1, code: 'INVALID_CUSTOMERNAME' },
        ],
      },
    });
  });

  it('an import accepts 10,000 rows', async () => {
    const customers = Array.from({ length: 10_000 }, (_, index) => ({
      id: `large-${index}`,
      customername: `Customer ${index}`,
      email: `customer${index}@example.com`,
      country: 'GB',
    }));
    const accepted = await app.post('/api/customer-imports', { customers });
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
