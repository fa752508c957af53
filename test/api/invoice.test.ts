import { join } from 'node:path';
import * as fc from 'fast-check';
import { parse } from 'graphql';
import { gql } from 'graphql-request';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type TestApp, startApp } from '../support/app.ts';
import { poll } from '../support/follow.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/invoice');

const tree = { name: 'all', children: [{ name: 'a', children: [{ name: 'a1' }] }, { name: 'b' }] };
const shared = {
  lines: [
    { title: 'Work', quantity: 2, cents: 1050 },
    { title: 'Paper', quantity: 1, cents: 3, discount: { percent: 50 } },
  ],
  due: '2026-03-01T12:00:00Z',
  labels: { 'order no.': 'A-1', ünï: 7 },
  extra: { nested: [{ deep: [1, null, true, 'x'] }], 'any name': 0.5, constructor: 'x' },
  category: tree,
};
const restInput = {
  ...shared,
  currency: 'us-dollar',
  copies: 3,
  recipient: { isCompany: true, vat: 'GB1', contacts: [{ kind: 'cash' }, { kind: 'card', digits: '1234' }] },
  payment: { kind: 'bank-transfer', iban: 'GB2', when: '2026-02-01T00:00:00+01:00' },
};
const graphqlInput = {
  ...shared,
  currency: 'US_DOLLAR',
  copies: 3,
  recipient: { isCompanyTrue: { vat: 'GB1', contacts: [{ cash: {} }, { card: { digits: '1234' } }] } },
  payment: { bankTransfer: { iban: 'GB2', when: '2026-02-01T00:00:00+01:00' } },
};
const restResult = {
  currency: 'us-dollar',
  cents: '2103',
  due: '2026-03-01T12:00:00.000Z',
  history: [{ at: '2026-02-28T12:00:00.000Z', event: 'made' }],
  isPaid: true,
  payment: { state: 'paid', by: { kind: 'bank-transfer', iban: 'GB2', when: '2026-01-31T23:00:00.000Z' } },
  labels: { ...shared.labels, copies: 3 },
  category: {
    name: 'all',
    size: 'large',
    children: [
      { name: 'a', size: 'small', children: [{ name: 'a1', size: 'small', children: [] }] },
      { name: 'b', size: 'small', children: [] },
    ],
  },
  echo: shared.extra,
};
const graphqlResult = {
  ...restResult,
  currency: 'US_DOLLAR',
  history: [{ at: '2026-02-28T12:00:00.000Z', event: 'MADE' }],
  payment: {
    __typename: 'InvoiceResultPaymentPaid',
    by: {
      __typename: 'InvoiceResultPaymentPaidByBankTransfer',
      kind: 'BANK_TRANSFER',
      iban: 'GB2',
      when: '2026-01-31T23:00:00.000Z',
    },
  },
  category: {
    name: 'all',
    size: 'LARGE',
    children: [
      { name: 'a', size: 'SMALL', children: [{ name: 'a1', size: 'SMALL' }] },
      { name: 'b', size: 'SMALL', children: [] },
    ],
  },
};
/** As it was sent. */
const graphqlInputView = {
  currency: 'US_DOLLAR',
  copies: 3,
  recipient: {
    __typename: 'SubmittedInvoiceRecipientIsCompanyTrue',
    isCompany: true,
    vat: 'GB1',
    contacts: [{ __typename: 'SubmittedInvoiceRecipientIsCompanyTrueContactCash', kind: 'CASH' }, { digits: '1234' }],
  },
  payment: { iban: 'GB2', when: '2026-02-01T00:00:00+01:00' },
  due: shared.due,
  labels: shared.labels,
  extra: shared.extra,
  category: {
    name: 'all',
    children: [
      { name: 'a', children: [{ name: 'a1' }] },
      { name: 'b', children: null },
    ],
  },
};

const Submit = gql`
  mutation ($input: SubmitInvoiceInput!) {
    submitInvoice(input: $input) {
      jobId
    }
  }
`;
const JobStatus = gql`
  query ($id: ID!) {
    jobStatus(id: $id, waitSeconds: 30) {
      status
      ... on InvoiceJob {
        input {
          currency
          copies
          recipient {
            ... on SubmittedInvoiceRecipientIsCompanyTrue {
              __typename
              isCompany
              vat
              contacts {
                ... on SubmittedInvoiceRecipientIsCompanyTrueContactCash {
                  __typename
                  kind
                }
                ... on SubmittedInvoiceRecipientIsCompanyTrueContactCard {
                  digits
                }
              }
            }
          }
          payment {
            ... on SubmittedInvoicePaymentBankTransfer {
              iban
              when
            }
          }
          due
          labels
          extra
          category {
            name
            children {
              name
              children {
                name
              }
            }
          }
        }
        result {
          currency
          cents
          due
          history {
            at
            event
          }
          isPaid
          payment {
            __typename
            ... on InvoiceResultPaymentPaid {
              by {
                __typename
                ... on InvoiceResultPaymentPaidByBankTransfer {
                  kind
                  iban
                  when
                }
              }
            }
            ... on InvoiceResultPaymentOpen {
              daysLeft
            }
          }
          labels
          category {
            name
            size
            children {
              name
              size
              children {
                name
                size
              }
            }
          }
          echo
        }
      }
    }
  }
`;

const issueSchema = z.object({ path: z.array(z.union([z.string(), z.number()])), message: z.string() });
const repliesSchema = z.object({
  errors: z.array(
    z.object({ message: z.string(), extensions: z.looseObject({ issues: z.array(issueSchema).optional() }) }),
  ),
});
const problemSchema = z.object({ type: z.string(), errors: z.array(z.object({ pointer: z.string() })).optional() });

describe('a job type with unions, JSON, recursion and codecs', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp('redis', { JOBS_DIR });
  });
  afterAll(() => app.close());

  async function submitByGraphQL(input: unknown): Promise<string> {
    const reply = await app.graphql.request<unknown>(Submit, { input });
    return z.object({ submitInvoice: z.object({ jobId: z.string() }) }).parse(reply).submitInvoice.jobId;
  }
  async function submitByRest(input: unknown): Promise<string> {
    const reply = await app.post('/api/invoices', input);
    expect(reply.status).toBe(202);
    return z.object({ id: z.string() }).parse(await reply.json()).id;
  }
  async function readByGraphQL(id: string): Promise<unknown> {
    return z.object({ jobStatus: z.unknown() }).parse(await app.graphql.request<unknown>(JobStatus, { id })).jobStatus;
  }
  async function readByRest(id: string): Promise<unknown> {
    const reply = await poll(
      () => app.fetch(`/api/jobs/${id}/result`),
      ({ status }) => status !== 404,
    );
    return reply.json();
  }
  const post = (path: string, body: string): Promise<Response> =>
    app.fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });

  /** The paths of the issues that each API reports of an input, or the problem if it has none. */
  async function refusals(graphql: unknown, rest: unknown): Promise<{ graphql: unknown; rest: unknown }> {
    const reply = await post('/graphql', JSON.stringify({ query: Submit, variables: { input: graphql } }));
    const { errors } = repliesSchema.parse(await reply.json());
    const refused = await app.post('/api/invoices', rest);
    expect(refused.status).toBe(400);
    const problem = problemSchema.parse(await refused.json());
    return {
      // GraphQL may have several reasons against one field.
      graphql: [
        ...new Set(errors.flatMap(({ extensions }) => extensions.issues?.map(({ path }) => path.join('/')) ?? 'none')),
      ],
      rest: problem.errors?.map(({ pointer }) => pointer.slice(2)) ?? 'none',
    };
  }

  it.each(['GraphQL', 'REST'])('is submitted by %s, and reads the same by both', async (by) => {
    const id = by === 'GraphQL' ? await submitByGraphQL(graphqlInput) : await submitByRest(restInput);
    expect(await readByGraphQL(id)).toEqual({ status: 'SUCCEEDED', input: graphqlInputView, result: graphqlResult });
    expect(await readByRest(id)).toEqual(restResult);
  });

  it('takes null for what may be absent, and a member without fields', async () => {
    const minimal = { lines: [shared.lines[0]], due: shared.due, recipient: { isCompany: false, name: 'Ada' } };
    const none = { currency: null, copies: null, labels: null, extra: null, category: null, payment: null };
    const expected = {
      currency: 'eur',
      payment: { state: 'open', daysLeft: 30 },
      isPaid: false,
      labels: { copies: 1 },
      category: null,
      echo: null,
    };
    const rest = await submitByRest({ ...minimal, ...none });
    const graphql = await submitByGraphQL({ ...minimal, ...none, recipient: { isCompanyFalse: { name: 'Ada' } } });
    for (const id of [rest, graphql]) expect(await readByRest(id)).toMatchObject(expected);
    const cash = await submitByGraphQL({ ...graphqlInput, payment: { cash: {} } });
    expect(await readByRest(cash)).toMatchObject({ payment: { state: 'paid', by: { kind: 'cash' } } });
    const named = await submitByGraphQL({ ...graphqlInput, payment: { cash: { kind: 'CASH' } } });
    expect(await readByRest(named)).toMatchObject({ payment: { state: 'paid', by: { kind: 'cash' } } });
  });

  it('is read back without the defaults that its function gets', async () => {
    const input = { lines: shared.lines, due: shared.due };
    const ids = [
      await submitByRest({ ...input, recipient: { isCompany: false, name: 'Ada' } }),
      await submitByGraphQL({ ...input, recipient: { isCompanyFalse: { name: 'Ada' } } }),
    ];
    for (const id of ids) {
      expect(await readByGraphQL(id)).toMatchObject({ input: { currency: null, copies: null } });
      expect(await readByRest(id)).toMatchObject({ currency: 'eur', labels: { copies: 1 } });
    }
  });

  it('is one job for one idempotency key, whichever API submits', async () => {
    const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': '"invoice-1"' };
    const body = JSON.stringify(restInput);
    const first = await app.fetch('/api/invoices', { method: 'POST', headers, body });
    const { id } = z.object({ id: z.string() }).parse(await first.json());
    const reply = await app.graphql.request<unknown>(
      gql`
        mutation ($input: SubmitInvoiceInput!) {
          submitInvoice(input: $input, idempotencyKey: "invoice-1") {
            jobId
            replayed
          }
        }
      `,
      { input: graphqlInput },
    );
    expect(reply).toEqual({ submitInvoice: { jobId: id, replayed: true } });
  });

  const card = { digits: '12' };
  it.each<[string, object, object, string, string]>([
    [
      'a field of a member',
      { payment: { card } },
      { payment: { kind: 'card', ...card } },
      'payment/card/digits',
      'payment/digits',
    ],
    [
      'a member in a list of a member',
      { recipient: { isCompanyTrue: { vat: 'x', contacts: [{ cash: {} }, { card }] } } },
      { recipient: { isCompany: true, vat: 'x', contacts: [{ kind: 'cash' }, { kind: 'card', ...card }] } },
      'recipient/isCompanyTrue/contacts/1/card/digits',
      'recipient/contacts/1/digits',
    ],
    [
      'an unknown field of a member',
      { payment: { cash: { digits: '1' } } },
      { payment: { kind: 'cash', digits: '1' } },
      'payment/cash/digits',
      'payment/digits',
    ],
    [
      'a field of another member',
      { payment: { card: { digits: '1234', iban: 'x' } } },
      { payment: { kind: 'card', digits: '1234', iban: 'x' } },
      'payment/card/iban',
      'payment/iban',
    ],
    ['an unknown member', { payment: { café: {} } }, { payment: { kind: 'café' } }, 'payment', 'payment/kind'],
    ['no member', { payment: {} }, { payment: {} }, 'payment', 'payment/kind'],
    ['a value inside a record', { labels: { a: 'b', c: [1] } }, { labels: { a: 'b', c: [1] } }, 'labels/c', 'labels/c'],
    [
      'a name in a record',
      { labels: { ['x'.repeat(21)]: 'b' } },
      { labels: { ['x'.repeat(21)]: 'b' } },
      `labels/${'x'.repeat(21)}`,
      `labels/${'x'.repeat(21)}`,
    ],
    ['a list for a record', { labels: [] }, { labels: [] }, 'labels', 'labels'],
    [
      'an unknown field deep inside',
      { category: { name: 'a', children: [{ name: 'b', children: [{ name: 'c', x: 1 }] }] } },
      { category: { name: 'a', children: [{ name: 'b', children: [{ name: 'c', x: 1 }] }] } },
      'category/children/0/children/0/x',
      'category/children/0/children/0/x',
    ],
    ['a date that is none', { due: '2026-02-30T00:00:00Z' }, { due: '2026-02-30T00:00:00Z' }, 'due', 'due'],
    ['another number', { copies: 4 }, { copies: 4 }, 'copies', 'copies'],
    [
      'text that no store can hold',
      { extra: { a: ['\u0000'] } },
      { extra: { a: ['\u0000'] } },
      'extra/a/0',
      'extra/a/0',
    ],
  ])('names the field as the caller wrote it: %s', async (_, graphql, rest, graphqlPath, restPath) => {
    expect(await refusals({ ...graphqlInput, ...graphql }, { ...restInput, ...rest })).toEqual({
      graphql: [graphqlPath],
      rest: [restPath],
    });
  });

  /** A value of a field as REST and as GraphQL writes it, valid or not. */
  type Pair = readonly [rest: unknown, graphql: unknown];
  const same = (...values: readonly unknown[]) => fc.constantFrom(...values).map((value): Pair => [value, value]);
  const payment: fc.Arbitrary<Pair> = fc.constantFrom<Pair[]>(
    [null, null],
    [{ kind: 'cash' }, { cash: {} }],
    [{ kind: 'cash', iban: 'x' }, { cash: { iban: 'x' } }],
    [{ kind: 'card', digits: '1234', holder: null }, { card: { digits: '1234', holder: null } }],
    [{ kind: 'card', digits: '1' }, { card: { digits: '1' } }],
    [{ kind: 'card' }, { card: {} }],
    [{ kind: 'bank-transfer', iban: 'x', when: shared.due }, { bankTransfer: { iban: 'x', when: shared.due } }],
    [{ kind: 'bank-transfer', iban: 'x', when: 1 }, { bankTransfer: { iban: 'x', when: 1 } }],
    [{ kind: 'cheque' }, { cheque: {} }],
    [{}, {}],
    ['cash', 'cash'],
  );
  const contacts = fc.array(payment, { maxLength: 6 });
  const recipient: fc.Arbitrary<Pair> = fc.oneof(
    same(null, {}, 'x'),
    fc.constantFrom<Pair[]>(
      [{ isCompany: false, name: 'A' }, { isCompanyFalse: { name: 'A' } }],
      [{ isCompany: false, vat: 'A' }, { isCompanyFalse: { vat: 'A' } }],
      [{ isCompany: true, vat: 'A', contacts: null }, { isCompanyTrue: { vat: 'A', contacts: null } }],
    ),
    contacts.map((pairs): Pair => [
      { isCompany: true, vat: 'A', contacts: pairs.map(([rest]) => rest) },
      { isCompanyTrue: { vat: 'A', contacts: pairs.map(([, graphql]) => graphql) } },
    ]),
  );
  const { tree: anyCategory } = fc.letrec((tie) => ({
    tree: fc.record(
      { name: fc.constantFrom('a', 'b', 'c', 'x'.repeat(51)), children: fc.array(tie('tree'), { maxLength: 2 }) },
      { requiredKeys: ['name'] },
    ),
  }));
  const anyFields = fc.record({
    currency: fc.oneof(
      same(null, 5),
      fc.constantFrom<Pair[]>(['eur', 'EUR'], ['us-dollar', 'US_DOLLAR'], ['gbp', 'GBP']),
    ),
    copies: same(null, 1, 2, 4, 1.5, '1', true),
    recipient,
    lines: same(shared.lines, shared.lines, [], null, [{ ...shared.lines[0], quantity: 0 }], [null]),
    due: same(shared.due, '2026-03-01T12:00:00+02:00', '2026-03-01', 0, null),
    payment,
    labels: same(null, {}, { a: 'b', c: 1 }, { a: null }, { a: 1.5 }, [], 'x'),
    extra: fc.jsonValue({ maxDepth: 4 }).map((value): Pair => [value, value]),
    category: anyCategory.map((value): Pair => [value, value]),
  });

  it('is valid on both APIs, or on neither', async () => {
    let valid = 0;
    await fc.assert(
      fc.asyncProperty(anyFields, fc.subarray(Object.keys(restInput), { maxLength: 2 }), async (fields, replaced) => {
        const sideOf = (side: 0 | 1) =>
          Object.fromEntries(
            Object.entries(fields).flatMap(([name, pair]) => (replaced.includes(name) ? [[name, pair[side]]] : [])),
          );
        const rest = await app.post('/api/invoices', { ...restInput, ...sideOf(0) });
        const variables = { input: { ...graphqlInput, ...sideOf(1) } };
        const graphql = await post('/graphql', JSON.stringify({ query: Submit, variables }));
        const { errors } = z.object({ errors: z.array(z.unknown()).optional() }).parse(await graphql.json());
        valid += rest.status === 202 ? 1 : 0;
        expect([202, 400]).toContain(rest.status);
        expect(errors === undefined).toBe(rest.status === 202);
      }),
      { numRuns: 200 },
    );
    // The comparison is of some use only if both occur.
    expect(valid).toBeGreaterThan(20);
  });

  it('refuses two members at once, in variables and in the document', async () => {
    const two = { cash: {}, card: { digits: '1234' } };
    const variables = { input: { ...graphqlInput, payment: two } };
    const inVariables = await post('/graphql', JSON.stringify({ query: Submit, variables }));
    const inDocument = await post(
      '/graphql',
      JSON.stringify({
        query: `mutation { submitInvoice(input: { due: "${shared.due}", lines: [], recipient: { isCompanyFalse: { name: "A" } }
          payment: { cash: {}, card: { digits: "1234" } } }) { jobId } }`,
      }),
    );
    for (const reply of [inVariables, inDocument]) {
      const { errors } = repliesSchema.parse(await reply.json());
      expect(errors.map(({ extensions }) => extensions)).toMatchObject([
        { code: 'BAD_USER_INPUT', issues: [{ path: ['payment'] }] },
      ]);
    }
  });

  it('refuses names that could pollute prototypes, in JSON and in records', async () => {
    for (const field of ['extra', 'labels']) {
      for (const text of ['{"__proto__": {"a": 1}}', '{"constructor": {"prototype": {"a": 1}}}']) {
        const rest = JSON.stringify({ ...restInput, [field]: 0 }).replace(`"${field}":0`, `"${field}":${text}`);
        const refused = await post('/api/invoices', rest);
        expect(refused.status).toBe(400);
        expect(problemSchema.parse(await refused.json()).errors?.[0]?.pointer).toMatch(new RegExp(`^#/${field}/`));
        const variables = `{"input": ${JSON.stringify({ ...graphqlInput, [field]: 0 }).replace(`"${field}":0`, `"${field}":${text}`)}}`;
        expect((await post('/graphql', `{"query": ${JSON.stringify(Submit)}, "variables": ${variables}}`)).status).toBe(
          400,
        );
        const literal = text.replaceAll(/"(\w+)":/g, '$1:');
        const query = `mutation { submitInvoice(input: { due: "${shared.due}", lines: [{ title: "a", quantity: 1, cents: 1 }],
          recipient: { isCompanyFalse: { name: "A" } }, ${field}: ${literal} }) { jobId } }`;
        const reply = await post('/graphql', JSON.stringify({ query }));
        const { errors } = repliesSchema.parse(await reply.json());
        expect(errors[0]?.extensions.issues?.[0]?.path[0]).toBe(field);
      }
    }
    expect({}).not.toHaveProperty('a');
  });

  it.each([60, 10_000])('refuses JSON of more levels than it reads, such as %i in a document', async (levels) => {
    const deep = `${'['.repeat(levels)}1${']'.repeat(levels)}`;
    const query = `mutation { submitInvoice(input: { extra: ${deep} }) { jobId } }`;
    const reply = await post('/graphql', JSON.stringify({ query }));
    expect(repliesSchema.parse(await reply.json()).errors[0]?.message).toMatch(/more than 50 brackets/);
    const tooDeep = deep.length > 200 ? deep : `${'['.repeat(101)}1${']'.repeat(101)}`;
    const body = JSON.stringify({ ...restInput, extra: 0 }).replace('"extra":0', `"extra":${tooDeep}`);
    const refused = await post('/api/invoices', body);
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('more than 100 levels')]);
    const variables = `{"input": {"extra": ${tooDeep}}}`;
    const inVariables = await post('/graphql', `{"query": ${JSON.stringify(Submit)}, "variables": ${variables}}`);
    expect([inVariables.status, await inVariables.text()]).toEqual([
      400,
      expect.stringContaining('more than 100 levels'),
    ]);
  });

  it('takes JSON in a document, with variables inside', async () => {
    const reply = await app.graphql.request<unknown>(
      `mutation ($some: JSON, $none: Int, $text: String) {
        submitInvoice(input: {
          due: "${shared.due}", lines: [{ title: "a", quantity: 1, cents: 1 }], recipient: { isCompanyFalse: { name: "A" } }
          extra: { list: [1, -2.5e3, "x", true, null, { some: $some, none: $none }, $none], text: $text }
        }) { jobId }
      }`,
      { some: { 'any name': [1] }, text: 'y' },
    );
    const { jobId } = z.object({ submitInvoice: z.object({ jobId: z.string() }) }).parse(reply).submitInvoice;
    expect(await readByRest(jobId)).toMatchObject({
      echo: { list: [1, -2500, 'x', true, null, { some: { 'any name': [1] } }, null], text: 'y' },
    });
  });

  it('refuses a name without quotes in JSON', async () => {
    const query = `mutation { submitInvoice(input: { due: "${shared.due}", lines: [], recipient: { isCompanyFalse: { name: "A" } }
      extra: { a: [RED] } }) { jobId } }`;
    const { errors } = repliesSchema.parse(await (await post('/graphql', JSON.stringify({ query }))).json());
    expect(errors[0]?.extensions.issues).toEqual([
      { path: ['extra', 'a', 0], message: 'JSON cannot represent RED; send text in quotes.' },
    ]);
  });

  it('counts the values in JSON towards those of a reply', async () => {
    const id = await submitByRest({ ...restInput, extra: Array(30_000).fill(0) });
    await readByRest(id);
    const query = `{ jobStatus(id: "${id}") { ... on InvoiceJob { result {
      ${Array.from({ length: 4 }, (_, index) => `a${index}: echo`).join(' ')} } } } }`;
    expect(parse(query).definitions).toHaveLength(1);
    const { errors } = repliesSchema.parse(await (await post('/graphql', JSON.stringify({ query }))).json());
    expect(errors[0]?.message).toMatch(/more than 100,000 values/);
  });
});
