import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect } from 'vitest';
import { serve } from './http-server.ts';

/** The request that a step receives. */
export interface ScriptedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Milliseconds since the start of the server. */
  readonly at: number;
}

export type Step = (response: ServerResponse, request: ScriptedRequest) => unknown;

export interface ScriptedServer {
  readonly url: string;
  /** The requests so far, as `GET /path`. */
  readonly asked: readonly string[];
  readonly requests: readonly ScriptedRequest[];
}

/**
 * A server that answers the n-th request of a kind with the n-th step of its script, for faults that the real
 * server cannot produce on demand. The last step answers all later requests.
 * @param script the steps by `GET /path`; the query is part of the path
 */
export async function startScriptedServer(script: Readonly<Record<string, readonly Step[]>>): Promise<ScriptedServer> {
  const requests: ScriptedRequest[] = [];
  const asked: string[] = [];
  const started = performance.now();
  const url = await serve(async (request, response) => {
    const { method = '', url: path = '', headers } = request;
    const kind = `${method} ${path}`;
    const steps = script[kind] ?? [() => expect.fail(`the script has no ${kind}`)];
    const earlier = asked.filter((one) => one === kind).length;
    asked.push(kind);
    const at = performance.now() - started;
    const body = Buffer.concat(await request.toArray()).toString();
    const seen = { method, path, headers, body, at };
    requests.push(seen);
    await steps[Math.min(earlier, steps.length - 1)]?.(response, seen);
  });
  return { url, asked, requests };
}

/** Replies with JSON. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Step {
  return (response) => {
    response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', ...headers });
    response.end(JSON.stringify(body));
  };
}

/** Replies with a problem (RFC 9457). */
export function problem(status: number, name: string, headers: Readonly<Record<string, string>> = {}): Step {
  const body = {
    type: `https://example.com/problems/${name}`,
    title: `Title of ${name}`,
    status,
    detail: `It is ${name}.`,
  };
  return json(status, body, { 'Content-Type': 'application/problem+json', ...headers });
}

/** Closes the connection without a reply. */
export const cut: Step = (response) => response.destroy();

/** Opens an event stream, writes these chunks, and then ends the stream, breaks it, or leaves it open. */
export function events(pieces: readonly string[], then: 'end' | 'hang' = 'end'): Step {
  return (response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.write('retry: 10\n\n');
    const text = pieces.join('');
    if (then === 'end') response.end(text);
    if (then === 'hang') response.write(text);
  };
}

let version = 0;

/** A job's state as an event. */
export function event(state: object): string {
  version += 1;
  return `id: v${version}\ndata: ${JSON.stringify(state)}\n\n`;
}
