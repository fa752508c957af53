import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { startAppForTest } from '../support/app.ts';
import { createStore } from '../support/stores.ts';

const restSchema = z.object({ id: z.string() });
const graphqlSchema = z.object({
  data: z.object({ submitBook: z.object({ jobId: z.string(), replayed: z.boolean() }) }),
});
const SUBMIT = `mutation ($input: SubmitBookInput!, $key: String) {
  submitBook(input: $input, idempotencyKey: $key) { jobId replayed }
}`;

const headersOf = (key?: string) => ({
  'Content-Type': 'application/json',
  ...(key !== undefined && { 'Idempotency-Key': `"${key}"` }),
});

interface Answer {
  readonly id: string;
  readonly replayed: boolean;
}

async function submitRest(url: string, input: object, key: string): Promise<Answer> {
  // The fields in another order, with white space between them.
  const body = JSON.stringify(Object.fromEntries(Object.entries(input).toReversed()), null, 2);
  const response = await fetch(`${url}/api/books`, { method: 'POST', headers: headersOf(key), body });
  expect(response.status).toBe(202);
  const { id } = restSchema.parse(await response.json());
  expect(response.headers.get('location')).toBe(`${url}/api/jobs/${id}`);
  return { id, replayed: response.headers.get('idempotency-replayed') === 'true' };
}

async function submitGraphql(url: string, input: object, key: string, way: 'argument' | 'header'): Promise<Answer> {
  const body = JSON.stringify({ query: SUBMIT, variables: { input, ...(way === 'argument' && { key }) } });
  const headers = headersOf(way === 'header' ? key : undefined);
  const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body });
  const reply = await response.json();
  expect(reply).not.toHaveProperty('errors');
  const { data } = graphqlSchema.parse(reply);
  return { id: data.submitBook.jobId, replayed: data.submitBook.replayed };
}

describe.each(['redis', 'postgres'] as const)('an idempotency key on both APIs of two servers over %s', (backend) => {
  it('creates one job, by header or argument', async () => {
    const store = await createStore(backend);
    onTestFinished(() => store.remove());
    const settings = { ...store.settings };
    const apps = [await startAppForTest(backend, settings), await startAppForTest(backend, settings)];
    const input = { id: '1', title: 'Jane Eyre', publisher: 'Penguin' };
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => {
        const url = apps[index % 2]?.url ?? '';
        if (index % 3 === 0) return submitRest(url, input, 'a key');
        return submitGraphql(url, input, 'a key', index % 3 === 1 ? 'argument' : 'header');
      }),
    );
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);

    const url = apps[1]?.url ?? '';
    const other = { ...input, title: 'Somebody else' };
    const rest = await fetch(`${url}/api/books`, {
      method: 'POST',
      headers: headersOf('a key'),
      body: JSON.stringify(other),
    });
    expect(rest.status).toBe(422);
    expect(await rest.json()).toMatchObject({ type: `${url}/problems/idempotency-key-reused` });
    const graphql = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: headersOf(),
      body: JSON.stringify({ query: SUBMIT, variables: { input: other, key: 'a key' } }),
    });
    expect(await graphql.json()).toMatchObject({ errors: [{ extensions: { code: 'IDEMPOTENCY_KEY_REUSED' } }] });

    // Two in one request: the second is a replay of the first.
    const both = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: headersOf(),
      body: JSON.stringify({
        query: `mutation ($input: SubmitBookInput!) {
          first: submitBook(input: $input, idempotencyKey: "b") { jobId replayed }
          second: submitBook(input: $input, idempotencyKey: "b") { jobId replayed }
        }`,
        variables: { input },
      }),
    });
    expect(await both.json()).toMatchObject({ data: { first: { replayed: false }, second: { replayed: true } } });
  });
});
