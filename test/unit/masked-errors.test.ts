import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createAuthenticate } from '../../src/auth/authenticate.ts';
import { defineJob } from '../../src/core/define-job.ts';
import { createProviders } from '../../src/core/providers.ts';
import { createJobIds } from '../../src/core/access/job-ids.ts';
import { createJobKeys } from '../../src/core/access/job-token.ts';
import type { Logger } from '../../src/core/ports.ts';
import { createRegistry } from '../../src/core/registry.ts';
import { createJobService } from '../../src/core/service/create-service.ts';
import { createHttpServer } from '../../src/server.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createBullmqEvents } from '../../src/queue/job-events.ts';
import { createBullmqQueue } from '../../src/queue/job-queue.ts';
import { createSucceededJobs } from '../../src/queue/job-reader.ts';
import { connectQueue } from '../../src/queue/wire-queue.ts';
import { isConnectionError } from '../../src/stores/connection-error.ts';
import { createEmbeddedStore } from '../../src/stores/embedded-store.ts';

const SECRET = 'password=hunter2';

const broken = defineJob({
  name: 'broken',
  collection: 'broken-things',
  description: 'Makes things that cannot be read.',
  input: z.object({ id: z.string() }),
  result: z.object({ id: z.string() }),
  resource: {
    idOf: ({ id }) => id,
    async find(id) {
      throw id === 'upstream' ? Object.assign(new Error(SECRET), { statusCode: 404 }) : new Error(SECRET);
    },
  },
  run: async ({ id }) => ({ id }),
});

describe('an unexpected error', () => {
  const logged: object[] = [];
  const logger: Logger = Object.assign(createLogger('silent'), { error: (fields: object) => void logged.push(fields) });
  // The queue is never connected, so each call to it is refused.
  const embedded = createEmbeddedStore('unused');
  const backend = connectQueue({ url: undefined, embedded: embedded.pool, logger });
  const succeeded = createSucceededJobs();
  const queue = createBullmqQueue({ backend, types: ['broken'], retentionSeconds: 60, succeeded, logger });
  const registry = createRegistry([{ file: 'broken.ts', type: broken }]);
  let url: string;

  beforeAll(async () => {
    const events = createBullmqEvents({ backend, types: [], retentionSeconds: 60, succeeded });
    const stopping = new AbortController().signal;
    const { use } = createProviders({});
    const jobKeys = createJobKeys(queue, 60);
    const service = createJobService({
      registry,
      queue,
      events,
      jobIds: createJobIds(queue, 60),
      jobKeys,
      use,
      logger,
      maxDepth: 100,
      stopping,
      isConnectionError,
    });
    const checks = { queue: queue.ping };
    const app = await createHttpServer({
      service,
      authenticate: createAuthenticate({ kind: 'open' }, jobKeys, logger),
      logger,
      publicUrl: undefined,
      corsOrigins: [],
      trustProxy: false,
      rest: true,
      graphiql: false,
      console: false,
      introspection: true,
      host: '127.0.0.1',
      checks,
    });
    url = await app.listen({ host: '127.0.0.1', port: 0 });
    return () => app.close();
  });

  const query = (text: string) =>
    fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/graphql-response+json' },
      body: JSON.stringify({ query: text }),
    });

  it.each(['1', 'upstream'])('is masked on REST, with an id that the log has too: %s', async (id) => {
    const response = await fetch(`${url}/api/broken-things/${id}`);
    expect(response.status).toBe(500);
    const body = await response.text();
    expect(body).not.toContain(SECRET);
    expect(JSON.parse(body)).toMatchObject({
      type: `${url}/problems/internal-error`,
      errorId: expect.stringMatching(/^[\da-f-]{36}$/),
    });
  });

  it('is masked on GraphQL, with an id that the log has too', async () => {
    const response = await query('{ broken(id: "1") { id } }');
    expect(response.status).toBe(500);
    const body = await response.text();
    expect(body).not.toContain(SECRET);
    const code = 'INTERNAL_SERVER_ERROR';
    const { extensions } = JSON.parse(body).errors[0];
    expect(extensions).toEqual({ code, errorId: expect.stringMatching(/^[\da-f-]{36}$/) });
    expect(logged).toContainEqual({
      thrown: expect.objectContaining({ message: SECRET }),
      errorId: extensions.errorId,
      requestId: expect.stringMatching(/^[\da-f-]{36}$/),
    });
  });

  it('is 503 with Retry-After on both APIs while the queue is unavailable', async () => {
    const rest = await fetch(`${url}/api/broken-things`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{"id":"1"}',
    });
    expect(rest.status).toBe(503);
    expect(rest.headers.get('retry-after')).toBe('1');
    expect(await rest.json()).toMatchObject({ type: `${url}/problems/queue-unavailable` });

    const graphql = await query('mutation { submitBroken(input: { id: "1" }) { jobId } }');
    expect(graphql.status).toBe(503);
    expect(graphql.headers.get('retry-after')).toBe('1');
    expect((await graphql.json()).errors[0].extensions).toEqual({ code: 'QUEUE_UNAVAILABLE', retryAfter: 1 });
  });

  it('readiness names the unavailable dependency', async () => {
    const response = await fetch(`${url}/health/ready`);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ status: 'unavailable', missing: ['queue'] });
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
  });

  it('beside partial data comes with 200', async () => {
    const response = await query('{ broken(id: "1") { id } __typename }');
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      data: { broken: null, __typename: 'Query' },
      errors: [{ path: ['broken'] }],
    });
  });
});
