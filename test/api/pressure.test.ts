import { expect, it } from 'vitest';
import { poll } from '../support/follow.ts';
import { startScriptedApp } from '../support/scripted-app.ts';

const BLOCK_MS = 300;

/** Blocks the event loop of this process, in which the server runs. */
function block(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCK_MS);
}

it('an overloaded server refuses requests to both APIs with 503, and still answers health checks', async () => {
  const app = await startScriptedApp({ backend: 'redis', maxDelayMs: 5 });
  const send = async (path: string) => {
    block();
    const response = await app.fetch(path, { headers: { Accept: 'application/json' } });
    return { status: response.status, retryAfter: response.headers.get('retry-after'), body: await response.json() };
  };
  const isRefused = ({ status }: { status: number }) => status === 503;

  const rest = await poll(() => send('/api/jobs'), isRefused);
  expect(rest).toMatchObject({
    retryAfter: '1',
    body: { type: `${app.url}/problems/service-unavailable`, detail: 'The server is overloaded. Try again later.' },
  });
  const graphql = await poll(() => send('/graphql?query={__typename}'), isRefused);
  expect(graphql).toMatchObject({
    retryAfter: '1',
    body: { errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }] },
  });
  expect((await send('/health/live')).status).toBe(200);
});
