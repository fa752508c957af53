import { once } from 'node:events';
import { join } from 'node:path';
import { createClient as createSse } from 'graphql-sse';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { createClient } from '../../src/client/client.ts';
import { type Output, outputSchema } from '../../src/core/output/output.ts';
import { poll } from '../support/follow.ts';
import { type TestApp, startApp } from '../support/app.ts';
import { API_KEYS, bearer, keyOf } from '../support/callers.ts';
import { createGate } from '../support/gate.ts';
import { script } from '../support/jobs/scripted/scripted.ts';
import { type Step, startScriptedServer } from '../support/scripted-server.ts';
import { BACKENDS } from '../support/stores.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');
const ADA = bearer(keyOf('ada'));

const submittedSchema = z.object({ id: z.string(), accessToken: z.string() });
const subscribedSchema = z.object({ data: z.object({ jobOutput: z.looseObject({ sequence: z.number() }) }) });

const parseLines = (text: string): Output[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => outputSchema.parse(JSON.parse(line)));

/** Values in short: those of pieces, and the number of an attempt that begins. */
const inShort = (pieces: readonly Output[]) =>
  pieces.map(({ kind, value, attempt }) => (kind === 'value' ? value : attempt));

/** The events of a stream: type, id and data of each. */
function parseEvents(text: string) {
  const blocks = text.split('\n\n').filter((block) => block.startsWith('id:'));
  return blocks.map((block) => {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
    return { type: field('event') ?? 'message', id: field('id') ?? '', data: JSON.parse(field('data') ?? '') };
  });
}

describe.each(BACKENDS)('output of a job on %s', (backend) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(backend, { JOBS_DIR, API_KEYS });
  });
  afterAll(() => app.close());

  const get = (path: string, headers: Record<string, string> = {}) =>
    app.fetch(path, { headers: { ...ADA, ...headers } });

  /** A job that publishes two pieces in its first attempt and, when the gate is open, one in its second. */
  async function submit(text: string) {
    const gate = createGate();
    onTestFinished(() => gate.open());
    script(text, async (job) => {
      if (job.attempt === 1) {
        await job.output('Hel');
        await job.output({ n: 1 });
        throw new Error('on purpose');
      }
      await gate.pass();
      await job.output('lo');
      return { text };
    });
    const response = await app.fetch('/api/scripted-jobs', {
      method: 'POST',
      headers: { ...ADA, 'Content-Type': 'application/json' },
      body: JSON.stringify({ text }),
    });
    const job = submittedSchema.parse(await response.json());
    await gate.reached;
    return { ...job, gate, path: `/api/jobs/${job.id}` };
  }

  it('is there as JSON lines, so far and live', async () => {
    const { path, gate, accessToken } = await submit(`lines-${backend}`);
    const readSoFar = async () => {
      const reply = await get(`${path}/output`);
      return { soFar: reply, lines: parseLines(await reply.text()) };
    };
    // The mark of the second attempt may be stored after its function has begun.
    const { soFar, lines } = await poll(readSoFar, (found) => found.lines.length === 3);
    expect(soFar.status).toBe(202);
    expect(soFar.headers.get('Retry-After')).toBe('1');
    expect(soFar.headers.get('Content-Type')).toBe('application/jsonl; charset=utf-8');
    expect(lines).toEqual([
      { sequence: 1, attempt: 1, kind: 'value', value: 'Hel' },
      { sequence: 2, attempt: 1, kind: 'value', value: { n: 1 } },
      { sequence: 3, attempt: 2, kind: 'attempt' },
    ]);
    const live = await get(`${path}/output?follow=true&after=1`);
    expect(live.headers.get('X-Accel-Buffering')).toBe('no');
    const holder = await app.fetch(`${path}/output?follow=true&access_token=${accessToken}`);
    gate.open();
    expect(inShort(parseLines(await live.text()))).toEqual([{ n: 1 }, 2, 'lo']);
    expect(inShort(parseLines(await holder.text()))).toEqual(['Hel', { n: 1 }, 2, 'lo']);
    const whole = await get(`${path}/output?after=3`);
    expect(whole.status).toBe(200);
    expect(inShort(parseLines(await whole.text()))).toEqual(['lo']);
    const head = await app.fetch(`${path}/output`, { method: 'HEAD', headers: ADA });
    expect(head.status).toBe(200);
    expect(await (await get(`${path}/output?after=99`)).text()).toBe('');
  });

  it('comes as events, before the final state, and goes on after the last one', async () => {
    const { path, gate } = await submit(`events-${backend}`);
    const live = await get(`${path}/events`);
    gate.open();
    const all = parseEvents(await live.text());
    const output = all.filter(({ type }) => type === 'output');
    expect(output.map(({ data }) => data.value ?? data.kind)).toEqual(['Hel', { n: 1 }, 'attempt', 'lo']);
    expect(all.at(-1)).toMatchObject({ type: 'message', data: { status: 'Succeeded' } });
    expect(new Set(all.filter(({ type }) => type === 'message').map(({ data }) => JSON.stringify(data))).size).toBe(
      all.length - output.length,
    );
    // After each event a client has the rest, and after the last one nothing is left.
    for (const [index, { id }] of all.entries()) {
      const again = await get(`${path}/events`, { 'Last-Event-ID': id });
      expect(again.status).toBe(index === all.length - 1 ? 204 : 200);
      if (again.status === 204) continue;
      const rest = parseEvents(await again.text());
      const left = all.slice(index + 1).filter(({ type }) => type === 'output');
      expect(rest.filter(({ type }) => type === 'output')).toMatchObject(left.map(({ data }) => ({ data })));
      expect(rest.at(-1)).toEqual(all.at(-1));
    }
    // The id of a version without output: the client has none of it.
    const before = parseEvents(await (await get(`${path}/events`, { 'Last-Event-ID': 'Running-1-0-x' })).text());
    expect(before.map(({ type }) => type)).toEqual(['output', 'output', 'output', 'output', 'message']);
    const states = parseEvents(await (await get(`${path}/events?output=false`)).text());
    expect(states.map(({ type, id }) => [type, id.includes('~')])).toEqual([['message', false]]);
    const after = parseEvents(await (await get(`${path}/events?after=3`)).text());
    expect(after.map(({ type }) => type)).toEqual(['output', 'message']);
  });

  it('is a subscription, which goes on after a sequence', async () => {
    const { id, gate } = await submit(`graphql-${backend}`);
    const client = createSse({ url: `${app.url}/graphql`, headers: ADA });
    onTestFinished(() => client.dispose());
    const read = async (after: number) => {
      const query = `subscription { jobOutput(id: "${id}", after: ${after}) { sequence attempt kind value } }`;
      const results = await Array.fromAsync(client.iterate({ query }));
      return results.map((result) => subscribedSchema.parse(result).data.jobOutput);
    };
    const live = [read(0), read(2)];
    gate.open();
    const [all, rest] = await Promise.all(live);
    expect(all).toEqual([
      { sequence: 1, attempt: 1, kind: 'VALUE', value: 'Hel' },
      { sequence: 2, attempt: 1, kind: 'VALUE', value: { n: 1 } },
      { sequence: 3, attempt: 2, kind: 'ATTEMPT', value: null },
      { sequence: 4, attempt: 2, kind: 'VALUE', value: 'lo' },
    ]);
    expect(rest).toEqual(all?.slice(2));
    const results = await Array.fromAsync(
      client.iterate({ query: `subscription { jobOutput(id: "${id}", after: -1) { sequence } }` }),
    );
    expect(JSON.stringify(results)).toContain('BAD_USER_INPUT');
  });

  it('is an async iterable of the client, through broken connections', async () => {
    const { id, gate } = await submit(`client-${backend}`);
    const proxy = await startTcpProxy(app.url);
    onTestFinished(() => proxy.close());
    const client = createClient({ baseUrl: proxy.url, headers: ADA });
    const pieces: Output[] = [];
    for await (const piece of client.output(id)) {
      pieces.push(piece);
      if (piece.sequence === 3) {
        proxy.cut();
        gate.open();
      }
    }
    expect(inShort(pieces)).toEqual(['Hel', { n: 1 }, 2, 'lo']);
    expect(await client.wait(id)).toEqual({ text: `client-${backend}` });
    expect(inShort(await Array.fromAsync(client.output(id, { after: 3 })))).toEqual(['lo']);
  });

  it('is refused as its job is', async () => {
    const { path, gate, id } = await submit(`refused-${backend}`);
    const eve = bearer(keyOf('eve'));
    gate.open();
    for (const query of ['', '?follow=true']) {
      expect((await app.fetch(`${path}/output${query}`, { headers: eve })).status).toBe(404);
      expect((await app.fetch(`${path}/output${query}`, { headers: bearer(keyOf('submitter')) })).status).toBe(403);
      expect((await app.fetch(`${path}/output${query}`)).status).toBe(401);
    }
    expect((await get(`${path}x/output`)).status).toBe(404);
    expect((await get('/api/jobs/none_AAAAAAAAAAAAAAAAAAAAAA/output')).status).toBe(404);
    expect((await get(`${path}/output?after=-1`)).status).toBe(400);
    expect((await get(`${path}/output?follow=maybe`)).status).toBe(400);
    expect((await get(`${path}/events?after=x`)).status).toBe(400);
    expect((await get(`${path}/output`, { Accept: 'application/json' })).status).toBe(406);
    const client = createSse({ url: `${app.url}/graphql`, headers: eve });
    onTestFinished(() => client.dispose());
    const results = await Array.fromAsync(
      client.iterate({ query: `subscription { jobOutput(id: "${id}") { sequence } }` }),
    );
    expect(JSON.stringify(results)).toContain('NOT_FOUND');
  });
});

describe('the client, where no reply stays open', () => {
  const line = (sequence: number) => `${JSON.stringify({ sequence, attempt: 1, kind: 'value', value: sequence })}\n`;
  const lines =
    (status: number, text: string): Step =>
    (response) => {
      response.writeHead(status, { 'Content-Type': 'application/jsonl', 'Retry-After': '0' });
      response.end(text);
    };

  it('asks for what is behind the last piece', async () => {
    const server = await startScriptedServer({
      'GET /api/jobs/x/output?after=0&follow=true': [async (response) => once(response, 'close')],
      'GET /api/jobs/x/output?after=0&follow=false': [lines(202, line(1) + line(2))],
      'GET /api/jobs/x/output?after=2&follow=false': [lines(503, ''), lines(202, ''), lines(200, line(3))],
    });
    const client = createClient({ baseUrl: server.url, silenceSeconds: 0.2 });
    const pieces = await Array.fromAsync(client.output('x'));
    expect(pieces.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });
});
