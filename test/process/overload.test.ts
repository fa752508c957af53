import { describe, expect, it, onTestFinished } from 'vitest';
import { poll } from '../support/follow.ts';
import { startProcess } from '../support/process.ts';
import { BACKENDS, createStore } from '../support/stores.ts';

const SUBMISSIONS = 1000;
const AT_A_TIME = 100;

interface Reply {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly id: string | undefined;
}

async function submit(url: string, number: number): Promise<Reply> {
  const input = { id: `c${number}`, customername: 'Ada' };
  const query = 'mutation($input: SubmitCustomerInput!) { submitCustomer(input: $input) { jobId } }';
  const onGraphQL = number % 2 === 0;
  const response = await fetch(url + (onGraphQL ? '/graphql' : '/api/customers'), {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: onGraphQL ? 'application/graphql-response+json' : 'application/json',
    },
    body: JSON.stringify(onGraphQL ? { query, variables: { input } } : input),
  });
  const { id, data } = await response.json();
  const { status, headers } = response;
  return {
    status,
    retryAfter: headers.get('Retry-After'),
    id: response.ok ? (id ?? data.submitCustomer.jobId) : undefined,
  };
}

describe.each(BACKENDS)('an overloaded process on %s', (backend) => {
  it('refuses requests with 503 and Retry-After, stays up, and completes every accepted job', async () => {
    const store = await createStore(backend);
    onTestFinished(() => store.remove());
    const limits = { QUEUE_MAX_DEPTH: '20', WORKER_CONCURRENCY: '1', LOG_LEVEL: 'info' };
    const { url = '' } = await startProcess({ settings: { ...store.settings, ...limits } });

    const replies: Reply[] = [];
    let next = 0;
    const client = async (): Promise<void> => {
      while (next < SUBMISSIONS) replies.push(await submit(url, next++));
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, client));

    const accepted = replies.filter(({ id }) => id !== undefined);
    const refused = replies.filter(({ id }) => id === undefined);
    expect(accepted.length).toBeGreaterThanOrEqual(20);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.filter(({ status, retryAfter }) => status !== 503 || !(Number(retryAfter) >= 1))).toEqual([]);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    for (const { id } of accepted) {
      const job = await poll(
        async () => (await fetch(`${url}/api/jobs/${id}?onComplete=status`)).json(),
        ({ done, status }) => done === true || status === 404,
      );
      expect(job).toMatchObject({ status: 'Succeeded' });
    }
  });
});
