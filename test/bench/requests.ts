import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { LoadRequest } from './driver/connection.ts';

const DONE_MS = 30_000;
const POLL_MS = 20;

const INPUT = { id: '42', customername: ' Ada  Lovelace ', phone: '020 7946 0000', country: 'gb' };
/** Input of the job that is polled while it is pending. */
export const PENDING_INPUT = { ...INPUT, id: 'pending' };
/** Valid by GraphQL's types, and not by the schema of the input. */
const BAD_INPUT = { ...INPUT, customername: '' };

const SUBMIT = `mutation ($input: SubmitCustomerInput!) { submitCustomer(input: $input) { jobId statusUrl job { status } } }`;
const POLL = `query ($id: ID!) { jobStatus(id: $id) { id type status done percentComplete createdAt lastUpdatedAt statusUrl retryAfter ... on CustomerJob { result { id customername email phone country } } } }`;

const jobSchema = z.object({ id: z.string(), statusUrl: z.url() });
const payloadSchema = z.object({ jobId: z.string(), statusUrl: z.url() });
const submittedSchema = z.union([
  jobSchema,
  z
    .object({ data: z.object({ submitCustomer: payloadSchema }) })
    .transform(({ data: { submitCustomer } }) => ({ id: submitCustomer.jobId, statusUrl: submitCustomer.statusUrl })),
]);

const post = (path: string, body: unknown): Pick<LoadRequest, 'method' | 'path' | 'body'> => ({
  method: 'POST',
  path,
  body: JSON.stringify(body),
});

export type ApiName = 'graphql' | 'rest';

interface Api {
  submit(input: typeof INPUT): LoadRequest;
  poll(id: string, state: 'pending' | 'done'): LoadRequest;
}

/** The requests to each API, and the replies that they expect. */
export const APIS: Readonly<Record<ApiName, Api>> = {
  rest: {
    submit: (input) => ({
      ...post('/api/customers', input),
      statuses: [202],
      contains: '"statusUrl":"http://127.0.0.1:',
    }),
    poll: (id, state) => ({
      method: 'GET',
      path: `/api/jobs/${id}`,
      // Accepted redirects to the customer.
      ...(state === 'done'
        ? { statuses: [200, 303], contains: '"Succeeded"' }
        : { statuses: [202], contains: '"Pending"' }),
    }),
  },
  graphql: {
    submit: (input) => ({
      ...post('/graphql', { query: SUBMIT, variables: { input } }),
      statuses: [200],
      contains: '"statusUrl":"http://127.0.0.1:',
    }),
    poll: (id, state) => ({
      ...post('/graphql', { query: POLL, variables: { id } }),
      statuses: [200],
      contains: state === 'done' ? '"customername":"Ada Lovelace"' : '"PENDING"',
    }),
  },
};

/** Through REST. */
export const toCancel = (id: string): LoadRequest => ({
  method: 'DELETE',
  path: `/api/jobs/${id}`,
  statuses: [200],
  contains: '"Canceled"',
});

export const submission = (api: ApiName): LoadRequest => APIS[api].submit(INPUT);

/** Submits one job and returns its id. @throws Error on an unexpected reply */
export async function submitOne(url: string, api: ApiName, input = INPUT): Promise<string> {
  const reply = await expectReply(url, APIS[api].submit(input));
  const { id, statusUrl } = submittedSchema.parse(JSON.parse(reply));
  if (statusUrl !== `${url}/api/jobs/${id}`) throw new Error(`the status URL is ${statusUrl}`);
  return id;
}

/** Polls until a job is done. */
export async function waitUntilDone(url: string, api: ApiName, id: string): Promise<void> {
  const deadline = performance.now() + DONE_MS;
  for (;;) {
    try {
      await expectReply(url, APIS[api].poll(id, 'done'));
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(POLL_MS);
    }
  }
}

/** @throws Error unless the contender refuses invalid input */
export async function expectRefusal(url: string, api: ApiName): Promise<void> {
  const request = APIS[api].submit(BAD_INPUT);
  const { status, text } = await send(url, request);
  const refused = api === 'rest' ? status === 400 : text.includes('"errors"');
  if (!refused) throw new Error(`invalid input was not refused: ${status} ${text}`);
}

/** @throws Error on an unexpected reply */
export async function expectReply(url: string, request: LoadRequest): Promise<string> {
  const { status, text } = await send(url, request);
  if (!request.statuses.includes(status) || !text.includes(request.contains)) {
    throw new Error(`${request.method} ${request.path} returned ${status} ${text}`);
  }
  return text;
}

async function send(url: string, { method, path, body }: LoadRequest): Promise<{ status: number; text: string }> {
  const headers = { 'Content-Type': 'application/json' };
  const reply = await fetch(url + path, {
    method,
    redirect: 'manual',
    signal: AbortSignal.timeout(DONE_MS),
    ...(body !== undefined && { headers, body }),
  });
  return { status: reply.status, text: await reply.text() };
}
