import Fastify from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createUrls } from '../../src/core/urls.ts';
import { addPressureLimits } from '../../src/http/pressure.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createProblemHandler } from '../../src/http/problem.ts';
import { poll } from '../support/follow.ts';

const BLOCK_MS = 300;

/** Blocks the event loop. */
function block(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCK_MS);
}

describe('a process whose event loop is kept busy', () => {
  it('refuses requests except health checks until the event loop is free', async () => {
    const app = Fastify();
    onTestFinished(() => app.close());
    app.setErrorHandler(createProblemHandler(createLogger('silent'), () => createUrls('http://localhost')));
    app.get('/health', async () => 'ok');
    await app.register(async (apis) => {
      addPressureLimits(apis, { maxDelayMs: 5, logger: createLogger('silent') });
      apis.get('/work', async () => 'done');
    });
    const work = () => app.inject('/work');
    expect((await work()).statusCode).toBe(200);

    const refused = await poll(
      async () => {
        block();
        return work();
      },
      ({ statusCode }) => statusCode !== 200,
    );
    expect(refused.statusCode).toBe(503);
    expect(refused.headers['retry-after']).toBe('1');
    expect(refused.json()).toMatchObject({ type: 'http://localhost/problems/service-unavailable', status: 503 });
    expect((await app.inject('/health')).statusCode).toBe(200);

    await poll(work, ({ statusCode }) => statusCode === 200);
  });
});
