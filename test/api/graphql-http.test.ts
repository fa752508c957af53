import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, startApp } from '../support/app.ts';

/** The audits of GraphQL over HTTP's reference implementation, including those that the specification only recommends (SHOULD). */
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
