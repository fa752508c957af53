import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Requests that once stopped a process, or made it stand still. Each resolves when it has been answered or cut. */
export type Attack = (url: string) => Promise<void>;

/** How long a client waits that reads nothing. */
const UNREAD_MS = 2000;
const IDLE_CONNECTIONS = 300;
const PIPELINED = 1000;

const json = { 'Content-Type': 'application/json', Accept: 'application/json' };

/** Sends a request whose reply is read and does not matter, even if there is none. */
async function send(url: string, path: string, body?: unknown): Promise<void> {
  const init = body === undefined ? {} : { method: 'POST', headers: json, body: JSON.stringify(body) };
  await fetch(new URL(path, url), init).then(
    (response) => response.arrayBuffer(),
    () => undefined,
  );
}

const graphql = (url: string, query: string, variables: object = {}): Promise<void> =>
  send(url, '/graphql', { query, variables });

/** Writes bytes to a connection, reads nothing, and resets it. */
async function writeAndReset(url: string, text: string, waitMs = 0): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).on('error', () => undefined);
  await once(socket, 'connect');
  socket.pause();
  socket.write(text);
  await delay(waitMs);
  socket.resetAndDestroy();
}

const FRAGMENTS = Array.from(
  { length: 40 },
  (_, index) => `fragment F${index} on Job{...F${index + 1} ...F${index + 1}}`,
);
const DOUBLING = `{jobs(first:0){nodes{...F0}}} ${FRAGMENTS.join(' ')} fragment F40 on Job{id}`;
const IMPORT = 'mutation($input:SubmitCustomerImportInput!){submitCustomerImport(input:$input){jobId}}';
const INCLUDED = 'query A($x:Boolean!){...F @include(if:$x)} query B{...F} fragment F on Query{__typename}';

export const ATTACKS: Readonly<Record<string, Attack>> = {
  'resets after CONNECT, an upgrade and an expectation': async (url) => {
    const heads = ['CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n'];
    for (const header of ['Upgrade: websocket\r\nConnection: Upgrade', 'Expect: 100-continue\r\nContent-Length: 9'])
      heads.push(`POST /api/customers HTTP/1.1\r\nHost: 127.0.0.1\r\n${header}\r\n\r\n`);
    for (const head of heads) for (const waitMs of [0, 20]) await writeAndReset(url, head, waitMs);
  },
  'idle connections': async (url) => {
    await Promise.all(Array.from({ length: IDLE_CONNECTIONS }, () => writeAndReset(url, 'GET ', UNREAD_MS)));
  },
  'fragments that double': async (url) => {
    for (let count = 0; count < 3; count += 1) await graphql(url, DOUBLING);
  },
  'a shared fragment that one operation leaves out': async (url) => {
    const ask = (operationName: string) =>
      send(url, '/graphql', { query: INCLUDED, operationName, variables: { x: false } });
    for (const operationName of ['A', 'A', 'A', 'B']) await ask(operationName);
  },
  'thousands of faults in one input': async (url) => {
    const input = { customers: Array.from({ length: 20_000 }, () => ({})) };
    await graphql(url, IMPORT, { input });
    await send(url, '/api/customer-imports', input);
  },
  'text without an end': async (url) => {
    const country = `a${'\u0301\u0316'.repeat(40_000)}`;
    await send(url, '/api/customers', { id: 'attack', customername: 'Ada', country });
  },
  'pipelined requests for large pages, unread': async (url) => {
    for (const path of ['/docs/assets/swagger-ui-bundle.js', '/openapi.json', '/graphql']) {
      const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\n\r\n`;
      await writeAndReset(url, request.repeat(PIPELINED), UNREAD_MS);
    }
  },
  'job types that do not exist': async (url) => {
    const letters = 'abcdefghijklmnopqrstuvwxyz';
    for (let count = 0; count < 100; count += 1) {
      const name = Array.from({ length: 40 }, () => letters.charAt(Math.random() * letters.length)).join('');
      await send(url, `/api/jobs/${name}_AAAAAAAAAAAAAAAAAAAAAA?onPending=synchronous`);
    }
  },
  'lists with all inputs': async (url) => {
    // All rows but the first are rejected, so that the database is not kept busy.
    const customers = Array.from({ length: 5000 }, () => ({ id: 'attack', customername: 'x'.repeat(50) }));
    await send(url, '/api/customer-imports', { customers });
    for (const first of [100, -1, 0])
      await graphql(url, `{jobs(first:${first}){nodes{... on CustomerImportJob{input{customers{id customername}}}}}}`);
  },
  'lists by status': async (url) => {
    await Promise.all(Array.from({ length: 30 }, () => send(url, '/api/jobs?status=Running,Failed&limit=1')));
  },
  'functions that block, and that leave errors behind': async (url) => {
    await send(url, '/api/blockings', { file: '/dev/null', blocks: true });
    await send(url, '/api/secrets', { text: '', how: 'stray' });
  },
};
