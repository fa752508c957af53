import { connect } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { createEmbeddedStore } from '../../src/stores/embedded-store.ts';
import { toDatabasePool } from '../../src/stores/postgres-pool.ts';
import { poll } from '../support/follow.ts';
import { openLibrary } from '../support/library.ts';
import { type AcceptedProcess, startProcess } from '../support/process.ts';
import { BACKENDS, type Store, createStore } from '../support/stores.ts';
import { type TcpProxy, startTcpProxy } from '../support/tcp-proxy.ts';
import { openPool } from '../support/postgres.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/hostile');

/** Part of every personal value in a request, and of nothing else. */
const MARK = 'zq7x';
const ISBN = '0-201-53082-1';
const PERSONAL = /zq7x|53082-?1/i;
const BOOK = {
  id: `${MARK}-id`,
  title: `${MARK} Zuse`,
  publisher: `${MARK} & Co.`,
  isbn: ISBN,
  language: 'EN',
};
/** A book that the database rejects with a message that quotes the row. */
const BARRED = { ...BOOK, id: `${MARK}-barred`, title: `${MARK} Barred` };
const HEADERS = {
  'Content-Type': 'application/json',
  Authorization: `Bearer ${MARK}`,
  Cookie: `session=${MARK}`,
  'User-Agent': MARK,
  'X-Request-Id': MARK,
};

const TRIGGER = `
  CREATE FUNCTION library.bar() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF NEW.title LIKE '%Barred' THEN
      RAISE EXCEPTION 'the ISBN % of % is barred', NEW.isbn, NEW.title USING DETAIL = NEW.publisher;
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER bar BEFORE INSERT ON library.books FOR EACH ROW EXECUTE FUNCTION library.bar();
`;

/** Creates the books' table beforehand, with a trigger whose error quotes the row. */
async function createTable({ settings: { QUEUE_URL, DATABASE_URL = QUEUE_URL, DATA_DIR } }: Store): Promise<void> {
  const embedded = createEmbeddedStore(DATA_DIR);
  if (DATABASE_URL === undefined) await embedded.open();
  const server = DATABASE_URL === undefined ? undefined : openPool(DATABASE_URL);
  const pool = server === undefined ? embedded.pool : toDatabasePool(server);
  try {
    await openLibrary(pool);
    await pool.query(TRIGGER);
  } finally {
    await server?.end();
    await embedded.close();
  }
}

interface Server extends AcceptedProcess {
  /** Its output so far, from standard output and standard error. */
  written(): string;
  /** The server of its queue; undefined for the embedded store. */
  readonly queue: TcpProxy | undefined;
}

async function startServer(backend: (typeof BACKENDS)[number]): Promise<Server> {
  const store = await createStore(backend);
  onTestFinished(() => store.remove());
  await createTable(store);
  const { QUEUE_URL } = store.settings;
  const queue = QUEUE_URL === undefined ? undefined : await startTcpProxy(QUEUE_URL);
  if (queue !== undefined) onTestFinished(() => queue.close());
  const output = new PassThrough().setEncoding('utf8');
  let text = '';
  output.on('data', (chunk: string) => (text += chunk));
  const settings = {
    ...store.settings,
    JOBS_DIR,
    LOG_LEVEL: 'debug',
    NODE_ENV: 'production',
    ...(queue && { QUEUE_URL: queue.url }),
  };
  const server = await startProcess({ settings, output });
  return { ...server, written: () => text, queue };
}

const jobSchema = z.object({ id: z.string(), status: z.string() });
const lineSchema = z.looseObject({ msg: z.string() });

describe("callers' data", () => {
  it.each(BACKENDS)('is in no log, even at the debug level, and in no reply but its own, on %s', async (backend) => {
    const server = await startServer(backend);
    const send = (method: string, path: string, body?: unknown, headers = {}) =>
      fetch(`${server.url}${path}`, {
        method,
        redirect: 'manual',
        headers: { ...HEADERS, ...headers },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
    const graphql = (query: string, variables?: object) => send('POST', '/graphql', { query, variables });
    const submit = async (collection: string, input: object, headers = {}) =>
      jobSchema.parse(await (await send('POST', `/api/${collection}?token=${MARK}`, input, headers)).json());
    const finish = async ({ id }: { id: string }) =>
      poll(
        async () => jobSchema.parse(await (await send('GET', `/api/jobs/${id}?onComplete=status`)).json()),
        ({ status }) => ['Succeeded', 'Failed', 'Canceled'].includes(status),
      );

    // Requests that succeed, and a key used again with the same and with another input.
    const key = { 'Idempotency-Key': `"${MARK}-key"` };
    const book = await submit('books', BOOK, key);
    await send('POST', '/api/books', BOOK, key);
    expect((await send('POST', '/api/books', BARRED, key)).status).toBe(422);
    const mutation =
      'mutation ($input: SubmitBookInput!, $key: String) { submitBook(input: $input, idempotencyKey: $key) { jobId } }';
    await graphql(mutation, { input: BOOK, key: `${MARK}-other` });
    expect((await finish(book)).status).toBe('Succeeded');
    expect(await (await send('GET', `/api/books/${BOOK.id}?q=${MARK}`)).text()).toContain(BOOK.publisher);
    await (await send('GET', `/api/jobs/${book.id}/events`, undefined, { 'Last-Event-ID': MARK })).text();

    // Requests that are refused.
    await submit('book-imports', { books: [BOOK, { ...BARRED, isbn: `${MARK}${ISBN}` }] });
    await send('POST', '/api/books', { ...BOOK, [MARK]: ISBN, title: 5 });
    await send('POST', '/api/books', `{"id":"${MARK}",`);
    await send('POST', '/api/books', MARK, { 'Content-Type': `text/${MARK}` });
    // The server may close the connection before it has read so large a body.
    await send('POST', '/api/books', { ...BOOK, title: MARK.repeat(500_000) }).catch(() => undefined);
    await send('POST', '/graphql', `{"query":"${MARK}`);
    await graphql(`{ ${MARK}(id: "${ISBN}") `);
    await graphql(`{ book(id: "${MARK}") { ${MARK} } }`);
    await graphql(mutation, { input: { ...BOOK, publisher: [MARK] }, key: MARK });
    await graphql(mutation, { input: BOOK, key: `${MARK}ü` });
    for (const path of [`/api/jobs/${MARK}`, `/${MARK}`, `/api/jobs?cursor=${MARK}`, `/api/jobs/%zz${MARK}`])
      await send('GET', path);
    const { port } = new URL(server.url ?? '');
    await textOf(connect(Number(port), '127.0.0.1').end(`${MARK} / HTTP/1.1\r\n\r\n`));

    // Failures in the job's function and in the database, and their retries.
    const failing = await Promise.all(
      ['error', 'lines', 'cause', 'value', 'told', 'result'].map((how) =>
        submit('secrets', { text: `${MARK} ${ISBN}`, how }),
      ),
    );
    failing.push(await submit('books', BARRED));
    for (const each of failing) {
      expect(await finish(each)).toMatchObject({ status: 'Failed' });
      await (await send('GET', `/api/jobs/${each.id}/output?after=0&token=${MARK}`)).text();
      const replies = await Promise.all([
        send('GET', `/api/jobs/${each.id}/result`),
        send('GET', `/api/jobs/${each.id}?onComplete=status`),
        graphql('query ($id: ID!) { jobStatus(id: $id) { error { code message } history { error { message } } } }', {
          id: each.id,
        }),
      ]);
      for (const reply of replies) expect(await reply.text()).not.toMatch(PERSONAL);
    }
    const [retried] = failing;
    if (retried !== undefined) {
      expect((await send('POST', `/api/jobs/${retried.id}/retry`)).status).toBe(202);
      await finish(retried);
    }
    const canceled = await submit('books', BARRED);
    await send('DELETE', `/api/jobs/${canceled.id}`);
    const masked = [await send('GET', `/api/secrets/${MARK}`), await graphql(`{ secret(id: "${MARK}") { text } }`)];
    expect(masked[0]?.status).toBe(500);
    for (const reply of masked) expect((await reply.text()).replace(`/api/secrets/${MARK}`, '')).not.toMatch(PERSONAL);

    // An unavailable store.
    if (server.queue !== undefined) {
      const unblock = server.queue.block();
      await poll(
        () => send('POST', '/api/books', BOOK),
        ({ status }) => status === 503,
      );
      await graphql(mutation, { input: BOOK, key: `${MARK}-away` });
      unblock();
      await poll(
        () => send('GET', '/health/ready'),
        ({ ok }) => ok,
      );
    }
    expect(await server.end('SIGTERM')).toBe(0);

    const lines = server.written().trim().split('\n');
    expect(lines.filter((line) => PERSONAL.test(line))).toEqual([]);
    const messages = new Set(lines.map((line) => lineSchema.parse(JSON.parse(line)).msg));
    const expected = ['request', 'job accepted', 'job function threw', 'job attempt failed', 'unexpected error'];
    expect([...messages]).toEqual(expect.arrayContaining(expected));
    // The trigger's error, without its message.
    expect(server.written()).toContain('"code":"P0001"');
  });

  it('is not in the log of an error that a job leaves uncaught', async () => {
    const server = await startServer('redis');
    await fetch(`${server.url}/api/secrets`, {
      method: 'POST',
      headers: HEADERS,
      body: JSON.stringify({ text: MARK, how: 'stray' }),
    });
    const line = await poll(
      async () =>
        server
          .written()
          .split('\n')
          .find((written) => written.includes('left an error uncaught')) ?? '',
      (found) => found !== '',
    );
    expect(JSON.parse(line)).toMatchObject({
      level: 'error',
      thrown: { type: 'Error', stack: expect.stringContaining('secret.ts') },
    });
    expect(server.written()).not.toMatch(PERSONAL);
  });
});
