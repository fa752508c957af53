import { join } from 'node:path';
import { type IntrospectionQuery, buildClientSchema, getIntrospectionQuery, printSchema } from 'graphql';
import { GraphQLClient, gql } from 'graphql-request';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type TestApp, startApp } from '../support/app.ts';
import { poll } from '../support/follow.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/parcel');

const shared = {
  recipient: { name: 'Ada', address: { street: '12 St James’s Square', country: 'GB' } },
  items: [
    { sku: 'a', grams: 5 },
    { sku: 'b', grams: 2000 },
  ],
  shipBy: '2026-03-01T12:00:00Z',
};
/** The fields of the input that `JobStatus` selects. */
const graphqlInputView = { recipient: { address: { country: 'GB' } }, service: 'NEXT_DAY' };
// Enum values have GraphQL names there, and the schema's own values in JSON.
const restInput = { ...shared, service: 'next-day' };
const graphqlInput = { ...shared, service: 'NEXT_DAY' };
const resultWith = (small: string, large: string) => ({
  labels: [
    { sku: 'a', size: small },
    { sku: 'b', size: large },
  ],
  note: null,
  shipBy: shared.shipBy,
});
const restResult = resultWith('small', 'extra-large');
const graphqlResult = resultWith('SMALL', 'EXTRA_LARGE');

const Submit = gql`
  mutation ($input: SubmitParcelLabelInput!) {
    submitParcelLabel(input: $input) {
      jobId
      statusUrl
    }
  }
`;
const JobStatus = gql`
  query ($id: ID!) {
    jobStatus(id: $id) {
      type
      status
      ... on ParcelLabelJob {
        input {
          recipient {
            address {
              country
            }
          }
          service
          note
        }
        result {
          labels {
            sku
            size
          }
          note
          shipBy
        }
      }
    }
  }
`;

const submittedSchema = z.object({ submitParcelLabel: z.object({ jobId: z.string(), statusUrl: z.url() }) });
const jobStatusSchema = z.object({
  jobStatus: z.object({ type: z.string(), status: z.string(), input: z.unknown(), result: z.unknown() }),
});
const jobSchema = z.object({ id: z.string(), status: z.string() });
const issueSchema = z.object({ path: z.array(z.union([z.string(), z.number()])), message: z.string() });
const errorSchema = z.object({ extensions: z.object({ code: z.string(), issues: z.array(issueSchema) }) });
const refusalSchema = z.object({ response: z.object({ errors: z.tuple([errorSchema]) }) });
const problemSchema = z.object({ type: z.url(), errors: z.array(z.object({ pointer: z.string() })) });

function createClients(url: string) {
  const client = new GraphQLClient(`${url}/graphql`);

  return {
    client,
    submit: async (input: unknown) =>
      submittedSchema.parse(await client.request<unknown>(Submit, { input })).submitParcelLabel,
    post: (input: unknown): Promise<Response> =>
      fetch(`${url}/api/parcel-labels`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(input),
      }),
    async followByGraphQL(id: string) {
      const ask = async () => jobStatusSchema.parse(await client.request<unknown>(JobStatus, { id })).jobStatus;
      return poll(ask, ({ status }) => status !== 'PENDING' && status !== 'RUNNING');
    },
    /** Resolves to the resource or result that the job redirects to. */
    async followByRest(statusUrl: string): Promise<unknown> {
      const ask = () => fetch(statusUrl, { redirect: 'manual' });
      const done = await poll(ask, ({ status }) => status !== 202);
      expect(done.status).toBe(303);
      expect(done.headers.get('Location')).toBe(`${statusUrl}/result`);
      const result = await fetch(`${statusUrl}/result`);
      expect(result.status).toBe(200);
      return result.json();
    },
  };
}

describe('one file that defines a job type is enough', () => {
  let app: TestApp;
  let clients: ReturnType<typeof createClients>;
  beforeAll(async () => {
    app = await startApp('redis', { JOBS_DIR });
    clients = createClients(app.url);
  });
  afterAll(() => app.close());

  it('to submit and follow a job by GraphQL, and to follow it by REST', async () => {
    const { client, submit, followByGraphQL, followByRest } = clients;
    const schema = buildClientSchema(await client.request<IntrospectionQuery>(getIntrospectionQuery()));
    const types = printSchema(schema);
    expect(types).toContain(`
input SubmitParcelLabelInput {
  recipient: ParcelLabelRecipientInput!
  service: ParcelLabelService!
  items: [ParcelLabelItemInput!]!
  note: String
  shipBy: DateTime!
}`);
    expect(types).toContain('enum ParcelLabelService {\n  NEXT_DAY\n  ECONOMY\n}');
    expect(types).toContain('"""Makes the labels of a parcel."""\n  submitParcelLabel(');
    expect(schema.getQueryType()?.getFields()).not.toHaveProperty('parcelLabel');

    const { jobId, statusUrl } = await submit({ ...graphqlInput, note: 'fragile' });
    expect(statusUrl).toBe(`${app.url}/api/jobs/${jobId}`);
    expect(await followByGraphQL(jobId)).toEqual({
      type: 'parcelLabel',
      status: 'SUCCEEDED',
      input: { ...graphqlInputView, note: 'fragile' },
      result: { ...graphqlResult, note: 'fragile' },
    });
    expect(await followByRest(statusUrl)).toEqual({ ...restResult, note: 'fragile' });
  });

  it('to submit and follow a job by REST, and to follow it by GraphQL', async () => {
    const { post, followByGraphQL, followByRest } = clients;
    const accepted = await post(restInput);
    expect(accepted.status).toBe(202);
    const { id, status } = jobSchema.parse(await accepted.json());
    expect(status).toBe('Pending');
    expect(await followByRest(z.url().parse(accepted.headers.get('Location')))).toEqual(restResult);
    expect(await followByGraphQL(id)).toEqual({
      type: 'parcelLabel',
      status: 'SUCCEEDED',
      input: { ...graphqlInputView, note: null },
      result: graphqlResult,
    });
  });

  it('for both APIs to reject invalid input and name the field', async () => {
    const { client, post } = clients;
    const address = { ...shared.recipient.address, planet: 'Earth' };
    const refusals: { wrong: object; path: (string | number)[] }[] = [
      { wrong: { recipient: { ...shared.recipient, address } }, path: ['recipient', 'address', 'planet'] },
      { wrong: { items: [...shared.items, { sku: 'c', grams: 1, colour: 'red' }] }, path: ['items', 2, 'colour'] },
      { wrong: { items: [{ sku: 'c', grams: 0 }] }, path: ['items', 0, 'grams'] },
      { wrong: { service: 'by-pigeon' }, path: ['service'] },
      { wrong: { shipBy: '1 March 2026' }, path: ['shipBy'] },
      // The schema requires UTC, while GraphQL's DateTime accepts any offset.
      { wrong: { shipBy: '2026-03-01T12:00:00+02:00' }, path: ['shipBy'] },
      { wrong: { shipBy: undefined }, path: ['shipBy'] },
    ];
    for (const { wrong, path } of refusals) {
      const refused = await post({ ...restInput, ...wrong });
      expect(refused.status).toBe(400);
      const problem = problemSchema.parse(await refused.json());
      expect(problem.type).toMatch(/\/problems\/invalid-input$/);
      expect(problem.errors).toEqual([{ pointer: `#/${path.join('/')}` }]);

      const error: unknown = await client.request<unknown>(Submit, { input: { ...graphqlInput, ...wrong } }).then(
        (reply) => expect.fail(`accepted ${JSON.stringify(reply)}`),
        (reason: unknown) => reason,
      );
      const [{ extensions }] = refusalSchema.parse(error).response.errors;
      expect(extensions.code).toBe('BAD_USER_INPUT');
      expect(extensions.issues.map((issue) => issue.path)).toEqual([path]);
    }
  });
});
