import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { poll } from '../support/follow.ts';
import { openSocket } from '../support/raw-http.ts';
import { type ScriptedApp, startScriptedApp } from '../support/scripted-app.ts';

const UPDATES = 4000;
/** Each state is so large that a few of them fill the system's buffers for a connection. */
const PUBLIC_URL = `http://localhost/${'x'.repeat(7000)}`;

/** The requests for the two streams that follow a job. */
const STREAMS: Record<'REST' | 'GraphQL', (id: string) => string[]> = {
  REST: (id) => [`GET /api/jobs/${id}/events HTTP/1.1`, 'Host: localhost', 'Connection: close', '', ''],
  GraphQL(id) {
    const body = JSON.stringify({ query: `subscription { jobUpdates(id: "${id}") { status message statusUrl } }` });
    const headers = ['Content-Type: application/json', 'Accept: text/event-stream', `Content-Length: ${body.length}`];
    return ['POST /graphql HTTP/1.1', 'Host: localhost', 'Connection: close', ...headers, '', body];
  },
};

/** Sends a request without reading the reply. */
async function ask({ url }: ScriptedApp, lines: readonly string[]): Promise<Socket> {
  const socket = await openSocket(url);
  socket.write(lines.join('\r\n'));
  return socket;
}

describe.each(Object.keys(STREAMS) as (keyof typeof STREAMS)[])('a slow reader on %s', (stream) => {
  it('receives a bounded number of states, and the final one', async () => {
    const app = await startScriptedApp({
      backend: 'redis',
      publicUrl: PUBLIC_URL,
      async run(job) {
        for (let update = 1; update <= UPDATES; update += 1) {
          await job.progress((update / UPDATES) * 100, `update ${update}`);
          // Changes within one millisecond make one state.
          await delay(1);
        }
      },
    });
    const id = await app.submit();
    const socket = await ask(app, STREAMS[stream](id));
    await poll(
      async () => app.followers(),
      (count) => count === 1,
    );
    app.startWorker();
    await app.fetch(`/api/jobs/${id}?onPending=synchronous`, { headers: { Prefer: 'wait=50' } });

    const reply = await text(socket);
    const states = reply.match(/^data: .+$/gm) ?? [];
    expect(states[0]).toMatch(/"status":"pending"/i);
    expect(states.at(-1)).toMatch(new RegExp(`"status":"succeeded".*"message":"update ${UPDATES}"`, 'i'));
    expect(states.length).toBeGreaterThan(2);
    expect(states.length).toBeLessThan(UPDATES / 2);
  });
});
