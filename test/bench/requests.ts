import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Contender } from './contenders.ts';
import type { LoadRequest } from './load/load-spec.ts';

const DONE_MS = 30_000;
const ASK_AGAIN_MS = 20;

const INPUT = { id: '42', customername: ' Ada  Lovelace ', phone: '020 7946 0000', country: 'gb' };
/** Of the job that is polled while it is pending. */
export const PENDING_INPUT = { ...INPUT, id: 'pending' };
/** GraphQL's types let it pass; the schema of the input does not. */
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

interface Face {
  submit(input: typeof INPUT): LoadRequest;
  poll(id: string, state: 'pending' | 'done'): LoadRequest;
}

/** How each face is asked, and what of its replies says that all is well. */
export const FACES: Readonly<Record<Contender['face'], Face>> = {
  rest: {
    submit: (input) => ({
      ...post('/api/customers', input),
      statuses: [202],
      contains: '"statusUrl":"http://127.0.0.1:',
    }),
    poll: (id, state) => ({
      method: 'GET',
      path: `/api/jobs/${id}`,
      // Accepted leads to the customer.
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

/** REST. */
export const toCancel = (id: string): LoadRequest => ({
  method: 'DELETE',
  path: `/api/jobs/${id}`,
  statuses: [200],
  contains: '"Canceled"',
});

export const submission = (face: Contender['face']): LoadRequest => FACES[face].submit(INPUT);

/** Submits one job and returns its id. @throws Error if the reply is not what it should be */
export async function submitOne(url: string, face: Contender['face'], input = INPUT): Promise<string> {
  const reply = await expectReply(url, FACES[face].submit(input));
  const { id, statusUrl } = submittedSchema.parse(JSON.parse(reply));
  if (statusUrl !== `${url}/api/jobs/${id}`) throw new Error(`the status URL is ${statusUrl}`);
  return id;
}

/** Asks until a job is done. */
export async function waitUntilDone(url: string, face: Contender['face'], id: string): Promise<void> {
  const deadline = performance.now() + DONE_MS;
  for (;;) {
    try {
      await expectReply(url, FACES[face].poll(id, 'done'));
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(ASK_AGAIN_MS);
    }
  }
}

/** Makes sure that a contender checks its input. */
export async function expectRefusal(url: string, face: Contender['face']): Promise<void> {
  const request = FACES[face].submit(BAD_INPUT);
  const { status, text } = await send(url, request);
  const refused = face === 'rest' ? status === 400 : text.includes('"errors"');
  if (!refused) throw new Error(`bad input was not refused: ${status} ${text}`);
}

/** @throws Error if the reply is not what it should be */
export async function expectReply(url: string, request: LoadRequest): Promise<string> {
  const { status, text } = await send(url, request);
  if (!request.statuses.includes(status) || !text.includes(request.contains)) {
    throw new Error(`${request.method} ${request.path} was answered with ${status} ${text}`);
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
