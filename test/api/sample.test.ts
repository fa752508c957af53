/** The jobs of the sample, on a database inside the process and on a server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, startApp } from '../support/app.ts';
import { SAMPLE } from '../support/projects.ts';

describe.each(['embedded', 'postgres'] as const)('the sample on %s', (backend) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(backend, {}, { project: SAMPLE });
  });
  afterAll(() => app.close());

  /** Submits to a collection, and resolves to the final state of the job. */
  const run = async (collection: string, input: object) => {
    const accepted = await app.post(`/api/${collection}`, input);
    expect(accepted.status).toBe(202);
    const { id } = await accepted.json();
    const done = await app.fetch(`/api/jobs/${id}?onPending=synchronous&onComplete=status`);
    expect(done.status).toBe(200);
    return done.json();
  };
  const resultOf = async (job: { resultUrl: string }) => (await app.fetch(job.resultUrl)).json();

  it('stores a customer in its normal form', async () => {
    const job = await run('customers', {
      id: 'normal',
      customername: '  Grace   Hopper',
      email: 'GRACE@example.com',
      phone: '(202) 456-1111',
      country: 'us',
    });
    expect(job).toMatchObject({ status: 'Succeeded', resourceUrl: `${app.url}/api/customers/normal` });
    const customer = await (await app.fetch('/api/customers/normal')).json();
    expect(customer).toMatchObject({
      id: 'normal',
      customername: 'Grace Hopper',
      email: 'grace@example.com',
      phone: '+12024561111',
      country: 'US',
    });
    const query = '{ customer(id: "normal") { id customername email phone country updatedAt } }';
    expect(await app.graphql.request(query)).toEqual({ customer });
  });

  it('stores no customer with an invalid phone number', async () => {
    const job = await run('customers', { id: 'no-phone', customername: 'Nobody', phone: 'call me' });
    expect(job).toMatchObject({ status: 'Failed', error: { code: 'INVALID_PHONE' } });
    expect((await app.fetch('/api/customers/no-phone')).status).toBe(404);
  });

  it('reports the invalid rows of an import, and stores the others', async () => {
    const customers = Array.from({ length: 600 }, (_, index) => ({
      id: `row-${index}`,
      customername: `Customer ${index}`,
    }));
    customers[3] = { id: 'row-3', customername: '  ' };
    customers[599] = { id: 'row-0', customername: 'Again' };
    Object.assign(customers[300] ?? {}, { phone: '1' });
    Object.assign(customers[301] ?? {}, { email: 'not an address' });
    Object.assign(customers[302] ?? {}, { country: 'ZZ' });
    const rejected = [
      { index: 3, code: 'INVALID_CUSTOMERNAME' },
      { index: 300, code: 'INVALID_PHONE' },
      { index: 301, code: 'INVALID_EMAIL' },
      { index: 302, code: 'INVALID_COUNTRY' },
      { index: 599, code: 'DUPLICATE_ID' },
    ];
    const first = await run('customer-imports', { customers });
    expect(first).toMatchObject({
      status: 'Succeeded',
      percentComplete: 100,
      message: '600 of 600 customers',
      resourceUrl: null,
    });
    expect(await resultOf(first)).toMatchObject({ imported: 595, updated: 0, rejected });
    // Every customer is there already.
    const again = await run('customer-imports', { customers });
    expect(await resultOf(again)).toMatchObject({ imported: 0, updated: 595, rejected });
  });

  it('checks each row of an import by itself, whatever it is', async () => {
    const good = (id: string) => ({ id, customername: 'Good' });
    const job = await run('customer-imports', {
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
    expect(await resultOf(job)).toMatchObject({
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
    const mutation = 'mutation ($input: SubmitCustomerImportInput!) { submitCustomerImport(input: $input) { jobId } }';
    const read = `query ($id: ID!) { jobStatus(id: $id, waitSeconds: 50) {
      ... on CustomerImportJob { result { imported rejected { index code } } }
    } }`;
    const { submitCustomerImport } = await app.graphql.request<{ submitCustomerImport: { jobId: string } }>(mutation, {
      input: { customers },
    });
    expect(await app.graphql.request(read, { id: submitCustomerImport.jobId })).toEqual({
      jobStatus: {
        result: {
          imported: 1,
          rejected: [
            { index: 0, code: 'INVALID_CUSTOMERNAME' },
            { index: 1, code: 'INVALID_CUSTOMERNAME' },
          ],
        },
      },
    });
  });

  it('imports 10,000 customers', async () => {
    const customers = Array.from({ length: 10_000 }, (_, index) => ({
      id: `large-${index}`,
      customername: `Customer ${index}`,
      email: `customer${index}@example.com`,
      country: 'GB',
    }));
    const job = await run('customer-imports', { customers });
    expect(await resultOf(job)).toEqual({ imported: 10_000, updated: 0, rejected: [] });
  });
});
