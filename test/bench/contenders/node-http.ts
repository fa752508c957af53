import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { read, submit } from './shared/bullmq.ts';
import { statusOf } from './shared/customers.ts';
import { serve } from './shared/serve.ts';

const JOBS = '/api/jobs/';

/** The service with no library but BullMQ. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url = '' } = request;
  const base = `http://${request.headers.host}`;
  if (method === 'POST' && url === '/api/customers') {
    const job = await submit(JSON.parse(await readText(request)), base);
    send(response, 202, job, { Location: job.statusUrl, 'Retry-After': 1 });
  } else if (method === 'GET' && url.startsWith(JOBS)) {
    const job = await read(url.slice(JOBS.length), base);
    send(response, job === undefined ? 404 : job.done ? 200 : 202, job);
  } else {
    send(response, 404, undefined);
  }
}

function readText(request: IncomingMessage): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => (text += chunk));
  request.on('end', () => resolve(text));
  request.on('error', reject);
  return promise;
}

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string | number> = {}) {
  const text = JSON.stringify(body ?? null);
  const length = Buffer.byteLength(text);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': length, ...headers }).end(text);
}

serve(
  createServer((request, response) => {
    answer(request, response).catch((error: unknown) => send(response, statusOf(error), { error: String(error) }));
  }),
);
