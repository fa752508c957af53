import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { MAX_BATCH_ITEMS, tagOfBatch } from '../../src/core/batch/batch.ts';
import { createClient } from '../support/generated/client.ts';
import { type TestApp, startApp } from '../support/app.ts';
import { API_KEYS, type Answer, type Client, type KeyName, bearer, clientOf, keyOf } from '../support/callers.ts';
import { BACKENDS } from '../support/stores.ts';

const countsSchema = z.object({
  pending: z.number(),
  running: z.number(),
  succeeded: z.number(),
  failed: z.number(),
  canceled: z.number(),
});
const batchSchema = z.object({
  id: z.string(),
  tag: z.string(),
  total: z.number(),
  counts: countsSchema,
  done: z.boolean(),
  percentComplete: z.number(),
  statusUrl: z.string(),
  resultsUrl: z.string(),
  retryAfter: z.number().nullable(),
});
const BATCH =
  'id tag total counts { pending running succeeded failed canceled } done percentComplete statusUrl resultsUrl retryAfter';
const itemSchema = z.object({
  index: z.number(),
  job: z.looseObject({ id: z.string() }).nullish(),
  error: z.unknown().optional(),
});
const submittedSchema = batchSchema.extend({ items: z.array(itemSchema) });
const SUBMIT = `mutation ($inputs: [SubmitBookInput!]!, $key: String, $options: SubmitOptions) {
  submitBooks(inputs: $inputs, idempotencyKey: $key, options: $options) {
    replayed
    batch { ${BATCH} }
    items { index job { id status tags } error { code message issues { path message } } }
  }
}`;
const graphqlSchema = z.object({
  data: z.object({
    submitBooks: z.object({ replayed: z.boolean(), batch: batchSchema, items: z.array(itemSchema) }),
  }),
});

interface Submission {
  readonly key?: string;
  readonly tags?: readonly string[];
}
interface Submitted {
  readonly answer: Answer;
  /** Of a batch that was accepted. */
  readonly batch: z.output<typeof submittedSchema>;
  readonly replayed: boolean;
}

type Submit = (client: Client, inputs: unknown, options?: Submission) => Promise<Answer>;

const submitOnRest: Submit = (client, items, { key, tags = [] } = {}) =>
  client.rest(`/api/books/batch${tags.length > 0 ? `?tags=${tags.join(',')}` : ''}`, {
    method: 'POST',
    body: { items },
    headers: key === undefined ? {} : { 'Idempotency-Key': `"${key}"` },
  });
const submitOnGraphQL: Submit = (client, inputs, { key, tags } = {}) =>
  client.graphql(SUBMIT, { inputs, key, options: tags && { tags } });
const read = (answer: Answer): Submitted => {
  const onGraphQL = graphqlSchema.safeParse(answer.body).data?.data.submitBooks;
  if (onGraphQL === undefined) {
    const replayed = answer.headers.get('idempotency-replayed') === 'true';
    return { answer, batch: submittedSchema.parse(answer.body), replayed };
  }
  const { batch, items, replayed } = onGraphQL;
  return { answer, batch: { ...batch, items }, replayed };
};

const book = (index: number | string) => ({ id: `c-${index}`, title: `Book ${index}` });
const books = (count: number) => Array.from({ length: count }, (_, index) => book(index));

describe.each(BACKENDS)('batches on %s', (backend) => {
  let app: TestApp;
  const client = (name: KeyName): Client => clientOf(app, bearer(keyOf(name)));
  const pause = (action: 'pause' | 'resume') =>
    client('admin').rest(`/api/job-types/book/${action}`, { method: 'POST' });
  const batchOf = async (id: string, query = '') => client('ada').rest(`/api/batches/${id}${query}`);
  const raw = (path: string, accept: string) =>
    app.fetch(path, { headers: { ...bearer(keyOf('ada')), Accept: accept } });

  beforeAll(async () => {
    app = await startApp(backend, { API_KEYS, CALLER_MAX_DEPTH: '1500' });
    await pause('pause');
  });
  afterAll(() => app.close());

  describe.each([
    ['REST', submitOnRest],
    ['GraphQL', submitOnGraphQL],
  ] as const)('on %s', (api, submit) => {
    it('lists the job or the error of each item, in order', async () => {
      const inputs = [book(0), { ...book(1), id: '' }, book(2), { id: 'x'.repeat(65), title: ' ' }];
      const { answer, batch } = read(await submit(client('ada'), inputs, { tags: ['nightly'] }));
      expect(answer.status).toBe(api === 'REST' ? 202 : 200);
      expect(batch).toMatchObject({ total: 2, done: false, percentComplete: 0, tag: tagOfBatch(batch.id) });
      expect(batch.items.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
      expect(batch.items[2]).toMatchObject({ job: { tags: ['nightly', batch.tag] } });
      const [, wrong, , worse] = batch.items.map(({ error }) => error);
      if (api === 'REST') {
        expect(answer.headers.get('location')).toBe(batch.statusUrl);
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
        expect(wrong).toMatchObject({ status: 400, title: 'Invalid input', errors: [{ pointer: '#/id' }] });
        expect(worse).toMatchObject({ errors: [{ pointer: '#/id' }, { pointer: '#/title' }] });
      } else {
        expect(wrong).toMatchObject({ code: 'BAD_USER_INPUT', issues: [{ path: ['id'] }] });
        expect(worse).toMatchObject({ issues: [{ path: ['id'] }, { path: ['title'] }] });
      }
      const list = await client('ada').rest(`/api/jobs?tag=${batch.tag}`);
      expect(list.body).toMatchObject({ items: [{ type: 'book' }, { type: 'book' }] });
      const onOther = await client('ada').graphql(
        `{ batch(id: "${batch.id}") { ${BATCH} jobs(first: 1) { nodes { id } pageInfo { hasNextPage } } } }`,
      );
      expect(onOther.body).toMatchObject({
        data: { batch: { total: 2, jobs: { nodes: [{}], pageInfo: { hasNextPage: true } } } },
      });
      await client('ada').rest(`/api/batches/${batch.id}/cancel`, { method: 'POST' });
    });

    it('refuses a batch without a valid item, one of a wrong size, and a reserved tag', async () => {
      const place = (path: (string | number)[]) =>
        api === 'REST'
          ? { errors: [{ pointer: `#/${path.join('/')}` }] }
          : { errors: [{ extensions: { code: 'BAD_USER_INPUT', issues: [{ path }] } }] };
      const items = api === 'REST' ? 'items' : 'inputs';
      const refused = await submit(client('ada'), [{ ...book(1), id: '' }]);
      expect(refused).toMatchObject({ status: 400, body: place([items, 0, 'id']) });
      // The items are not looked at, or there would be another error for each of them.
      for (const wrong of [[], Array.from({ length: MAX_BATCH_ITEMS + 1 }, () => 1)])
        expect(await submit(client('ada'), wrong)).toMatchObject({ status: 400, body: place([items]) });
      expect((await submit(client('ada'), [book(1)], { tags: ['batch:mine'] })).body).toMatchObject(
        place(api === 'REST' ? ['tags', 0] : ['options', 'tags', 0]),
      );
      expect((await submit(client('reader'), [book(1)])).status).toBe(403);
    });

    it('replays a batch by its key, and refuses another content under it', async () => {
      const key = `key of ${api}`;
      const inputs = [book(0), { ...book(1), id: '' }];
      const first = read(await submit(client('ada'), inputs, { key }));
      const again = read(await submit(client('ada'), inputs, { key }));
      expect([first.replayed, again.replayed]).toEqual([false, true]);
      expect(again.batch).toMatchObject({
        id: first.batch.id,
        items: first.batch.items.map(({ job }) => (job ? { job: { id: job.id } } : { error: {} })),
      });
      expect((await submit(client('ada'), books(2), { key })).body).toMatchObject(
        api === 'REST' ? { status: 422 } : { errors: [{ extensions: { code: 'IDEMPOTENCY_KEY_REUSED' } }] },
      );
      expect(read(await submit(client('eve'), inputs, { key })).batch.id).not.toBe(first.batch.id);
    });
  });

  it('takes 1,000 items in one request, all or none within the quota of the caller', async () => {
    const { batch } = read(await submitOnRest(client('eve'), books(MAX_BATCH_ITEMS)));
    expect(batch).toMatchObject({ total: MAX_BATCH_ITEMS, counts: { pending: MAX_BATCH_ITEMS } });
    expect(await submitOnRest(client('eve'), books(MAX_BATCH_ITEMS))).toMatchObject({
      status: 429,
      body: { type: expect.stringMatching(/quota-exceeded$/) },
    });
    expect(await client('ada').rest(`/api/batches/${batch.id}`)).toMatchObject({ status: 404 });
    expect(await client('admin').rest(`/api/batches/${batch.id}`)).toMatchObject({ status: 202 });
    const cancel = `mutation { cancelBatch(id: "${batch.id}") { counts { pending canceled } done } }`;
    expect((await client('ada').graphql(cancel)).body).toMatchObject({
      errors: [{ extensions: { code: 'NOT_FOUND' } }],
    });
    expect((await client('eve').graphql(cancel)).body).toMatchObject({
      data: { cancelBatch: { counts: { pending: 0, canceled: MAX_BATCH_ITEMS }, done: true } },
    });
    expect(await client('eve').rest(`/api/batches/${batch.id}`)).toMatchObject({ status: 200, body: { done: true } });
  });

  it('is followed by polls, held replies, events and lines of results, to the end of 100 jobs', async () => {
    const inputs = [...books(98), { ...book(98), isbn: 'call me' }, { ...book(99), id: '' }];
    const { batch } = read(await submitOnRest(client('ada'), inputs));
    const events = await raw(`/api/batches/${batch.id}/events`, 'text/event-stream');
    const waiting = batchOf(batch.id, '?waitSeconds=50');
    const onGraphQL = client('ada').graphql(`{ batch(id: "${batch.id}", waitSeconds: 50) { done } }`);
    await pause('resume');
    const stream = await events.text();
    const states = [...stream.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => batchSchema.parse(JSON.parse(data)));
    expect(states[0]).toMatchObject({ total: 99, done: false });
    expect(states.at(-1)).toMatchObject({
      done: true,
      percentComplete: 100,
      retryAfter: null,
      counts: { pending: 0, running: 0, succeeded: 98, failed: 1, canceled: 0 },
    });
    const percents = states.map(({ percentComplete }) => percentComplete);
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));
    expect(await waiting).toMatchObject({ status: 200, body: { done: true } });
    expect((await onGraphQL).body).toEqual({ data: { batch: { done: true } } });

    const results = await raw(`/api/batches/${batch.id}/results`, '*/*');
    expect(results.headers.get('content-type')).toBe('application/jsonl; charset=utf-8');
    const lines = (await results.text()).trimEnd().split('\n');
    const parsed: unknown[] = lines.map((line) => JSON.parse(line));
    expect(parsed).toHaveLength(99);
    for (const [index, item] of batch.items.slice(0, 98).entries())
      expect(parsed[index]).toMatchObject({
        index,
        id: item.job?.id,
        status: 'Succeeded',
        result: { id: `c-${index}` },
      });
    expect(parsed[98]).toMatchObject({ index: 98, status: 'Failed', error: { code: 'INVALID_ISBN' } });

    expect((await raw(`/api/batches/${batch.id}/results`, 'application/json')).status).toBe(406);
    const known = await raw(`/api/batches/${batch.id}/events?lastEventId=0-0-98-1-0`, 'text/event-stream');
    expect(known.status).toBe(204);
    for (const path of ['', '/events', '/results'])
      expect((await client('eve').rest(`/api/batches/${batch.id}${path}`, { headers: { Accept: '*/*' } })).status).toBe(
        404,
      );
    expect((await batchOf(batch.items[0]?.job?.id ?? '')).status).toBe(404);
    // The resource with this id is read in spite of the path for batches.
    await client('ada').rest('/api/books', {
      method: 'POST',
      body: { ...book(0), id: 'batch' },
      headers: { Prefer: 'wait=30' },
    });
    // It is documented under the path of all of them.
    const named = await fetch(`${app.url}/api/books/batch`, { headers: bearer(keyOf('ada')) });
    expect(await named.json()).toMatchObject({ id: 'batch' });
  });

  it('is submitted, awaited and read by the client, and watched by a subscription', async () => {
    const own = createClient({ baseUrl: app.url, headers: bearer(keyOf('ada')) });
    await pause('pause');
    const batch = await own.submitMany('book', [book('a'), { ...book('b'), id: '' }, book('c')]);
    expect(batch.items[1]?.error).toMatchObject({ status: 400, errors: [{ pointer: '#/id' }] });
    const subscription = await app.fetch('/graphql', {
      method: 'POST',
      headers: { ...bearer(keyOf('ada')), 'Content-Type': 'application/json', Accept: 'text/event-stream' },
      body: JSON.stringify({ query: `subscription { batchChanges(id: "${batch.id}") { done total } }` }),
    });
    await pause('resume');
    const seen: number[] = [];
    const done = await own.waitForBatch(batch, { onProgress: ({ percentComplete }) => seen.push(percentComplete) });
    expect(done).toMatchObject({ id: batch.id, type: 'book', counts: { succeeded: 2 } });
    expect(seen.at(-1)).toBe(100);
    const names: string[] = [];
    for await (const result of own.batchResults(batch))
      if (result.status === 'Succeeded') names.push(`${result.index} ${result.result.title}`);
    expect(names).toEqual(['0 Book a', '2 Book c']);
    expect(await own.cancelBatch(batch)).toMatchObject({ done: true, counts: { canceled: 0 } });
    const text = await subscription.text();
    expect(text).toContain('{"data":{"batchChanges":{"done":true,"total":2}}}');
    expect(text).toContain('event: complete');
  });
});
