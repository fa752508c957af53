import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { poll } from '../support/follow.ts';
import { startProcess } from '../support/process.ts';
import { buildProject, copyProject } from '../support/project-copy.ts';
import { createStore } from '../support/stores.ts';

const MAX_RETRY_AFTER_SECONDS = 60;

const jobSchema = z.object({ status: z.enum(['Pending', 'Running', 'Succeeded']), statusUrl: z.url() });

function expectRetryAfter(response: Response): void {
  const seconds = Number(response.headers.get('Retry-After') ?? Number.NaN);
  expect(seconds).toSatisfy(Number.isInteger);
  expect(seconds).toBeGreaterThanOrEqual(1);
  expect(seconds).toBeLessThanOrEqual(MAX_RETRY_AFTER_SECONDS);
}

it('runs from its build as from its sources', async () => {
  const folder = copyProject();
  buildProject(folder);
  const store = await createStore('embedded');
  onTestFinished(() => store.remove());
  const { url } = await startProcess({ main: join(folder, 'dist/main.js'), settings: store.settings });

  const accepted = await fetch(`${url}/api/customers`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ id: 'built-1', customername: '  Ada   Lovelace ', email: 'Ada@Example.com', country: 'gb' }),
  });
  expect(accepted.status).toBe(202);
  expectRetryAfter(accepted);
  const location = z.url().parse(accepted.headers.get('Location'));
  expect(jobSchema.parse(await accepted.json()).statusUrl).toBe(location);

  const done = await poll(
    async () => {
      const response = await fetch(location, { redirect: 'manual' });
      if (response.status === 202) expectRetryAfter(response);
      const { status } = jobSchema.parse(await response.json());
      return { http: response.status, status, location: response.headers.get('Location') };
    },
    ({ http }) => http !== 202,
  );
  expect(done).toEqual({ http: 303, status: 'Succeeded', location: `${url}/api/customers/built-1` });

  const customer = await fetch(`${url}/api/customers/built-1`);
  expect(customer.status).toBe(200);
  expect(await customer.json()).toEqual({
    id: 'built-1',
    customername: 'Ada Lovelace',
    email: 'ada@example.com',
    phone: null,
    country: 'GB',
    updatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
  });
});
