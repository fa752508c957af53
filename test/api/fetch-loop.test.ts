import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, startApp } from '../support/app.ts';
import { BACKENDS } from '../support/stores.ts';

/** A complete client: it polls again after `Retry-After` while it gets 202, and follows redirects. */
async function submitAndWait(url: string, body: object): Promise<Response> {
  const headers = { 'Content-Type': 'application/json' };
  let response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  const location = response.headers.get('Location') ?? '';
  while (response.status === 202) {
    await delay(Number(response.headers.get('Retry-After')) * 1000);
    response = await fetch(location);
  }
  return response;
}

describe.each(BACKENDS)('a plain fetch loop on %s', (backend) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(backend);
  });
  afterAll(() => app.close());

  it('ends at the book', async () => {
    const response = await submitAndWait(`${app.url}/api/books`, { id: '42', title: ' Jane  Eyre ' });
    expect(response.status).toBe(200);
    expect(response.url).toBe(`${app.url}/api/books/42`);
    expect(await response.json()).toMatchObject({ id: '42', title: 'Jane Eyre' });
  });

  it('ends at the result of a job without a resource', async () => {
    const books = Array.from({ length: 1000 }, (_, index) => ({ id: `${index}`, title: 'Emma' }));
    const response = await submitAndWait(`${app.url}/api/book-imports`, { books });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ rejected: [] });
  });

  it('ends at the problem of a failed job', async () => {
    const response = await submitAndWait(`${app.url}/api/books`, { id: '43', title: 'Emma', isbn: 'none' });
    expect(response.status).toBe(422);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(await response.json()).toMatchObject({
      type: `${app.url}/problems/job-failed`,
      status: 422,
      detail: expect.stringContaining('INVALID_ISBN'),
    });
  });
});
