import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type TestApp, startApp } from '../support/app.ts';
import { BACKENDS } from '../support/stores.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`;

const jobSchema = z.object({ id: z.string(), traceId: z.string().nullable() });

describe.each(BACKENDS)('the trace id of a job on %s', (backend) => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startApp(backend);
  });
  afterAll(() => app.close());

  const submit = async (headers: Record<string, string>): Promise<z.output<typeof jobSchema>> => {
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers } };
    const body = JSON.stringify({ id: '42', title: 'Jane Eyre' });
    return jobSchema.parse(await (await app.fetch('/api/books', { ...init, body })).json());
  };

  it('is that of the submission, on both APIs, from its acceptance to its end', async () => {
    const { id, traceId } = await submit({ traceparent: TRACEPARENT, tracestate: 'vendor=opaque' });
    expect(traceId).toBe(TRACE);
    const done = await app.fetch(`/api/jobs/${id}?onComplete=status`, { headers: { Prefer: 'wait=20' } });
    expect(await done.json()).toMatchObject({ id, status: 'Succeeded', traceId: TRACE });
    const { items } = z
      .object({ items: z.array(jobSchema) })
      .parse(await (await app.fetch('/api/jobs?limit=1')).json());
    expect(items).toEqual([{ id, traceId: TRACE }]);
    const query = 'query ($id: ID!) { jobStatus(id: $id) { traceId } }';
    expect(await app.graphql.request(query, { id })).toEqual({ jobStatus: { traceId: TRACE } });
  });

  it('is that of the first submission with an idempotency key', async () => {
    const key = { 'Idempotency-Key': '"traced"' };
    const first = await submit({ ...key, traceparent: TRACEPARENT });
    const again = await submit({ ...key, traceparent: TRACEPARENT.replace(TRACE, 'a'.repeat(32)) });
    expect(first.traceId).toBe(TRACE);
    expect(again).toEqual(first);
  });

  it('is null where the submission had none, or an invalid one', async () => {
    expect((await submit({})).traceId).toBeNull();
    expect((await submit({ traceparent: TRACEPARENT.replace(TRACE, '0'.repeat(32)) })).traceId).toBeNull();
    const mutation = 'mutation { submitBook(input: {id: "1", title: "Emma"}) { job { traceId } } }';
    expect(await app.graphql.request(mutation)).toEqual({ submitBook: { job: { traceId: null } } });
  });
});
