import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, startApp } from '../support/app.ts';

/** GraphQL over HTTP's own audits, as its reference implementation has them; those that only SHOULD hold, hold too. */
describe('GraphQL over HTTP', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp('redis');
  });
  afterAll(() => app.close());

  it.each(serverAudits({ url: () => `${app.url}/graphql` }))('$id $name', async ({ fn }) => {
    const result = await fn();
    expect(result.status === 'ok' ? undefined : `${result.status}: ${result.reason}`).toBeUndefined();
  });
});
