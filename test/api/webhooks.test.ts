import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type TestApp, startApp } from '../support/app.ts';
import { API_KEYS, type Answer, type KeyName, bearer, clientOf, keyOf } from '../support/callers.ts';
import { poll } from '../support/follow.ts';
import { BACKENDS } from '../support/stores.ts';
import { startReceiver, verifyWebhook } from '../support/webhook-receiver.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');
const SUBMIT = `mutation ($options: SubmitOptions) {
  submitScripted(input: { text: "hello" }, options: $options) { job { id } accessToken }
}`;
const DELIVERIES = `query ($id: ID!) {
  jobStatus(id: $id) { deliveries { id event status url createdAt nextAttemptAt attempts { at durationMs statusCode error } } }
}`;

const submittedSchema = z.object({ id: z.string(), accessToken: z.string() });
const attemptSchema = z.object({ statusCode: z.number().nullable() });
const deliverySchema = z.object({ id: z.string(), status: z.string(), attempts: z.array(attemptSchema) });
const deliveriesSchema = z.object({ items: z.array(deliverySchema) });
const secretSchema = z.object({ secret: z.string(), previous: z.array(z.object({ secret: z.string() })) });

describe.each(BACKENDS)('webhooks on both APIs, on %s', (backend) => {
  let app: TestApp;
  const as = (name: KeyName) => clientOf(app, bearer(keyOf(name)));
  const submit = async (webhook: string) =>
    submittedSchema.parse(
      (
        await as('ada').rest(`/api/scripted-jobs?webhook=${encodeURIComponent(webhook)}`, {
          method: 'POST',
          body: { text: 'hello' },
        })
      ).body,
    );
  const deliveriesOf = async (id: string) =>
    deliveriesSchema.parse((await as('ada').rest(`/api/jobs/${id}/deliveries`)).body).items;
  const settled = async (id: string) =>
    poll(
      () => deliveriesOf(id),
      ([delivery]) => delivery !== undefined && delivery.status !== 'Pending',
    );
  const secretOf = async (name: KeyName) => secretSchema.parse((await as(name).rest('/api/webhook-secret')).body);

  beforeAll(async () => {
    app = await startApp(backend, { JOBS_DIR, API_KEYS, WEBHOOK_ALLOW: '127.0.0.1' });
  });
  afterAll(() => app.close());

  it('tell the end, and show what came of it, to its caller and admins alone', async () => {
    const receiver = await startReceiver();
    const { id, accessToken } = await submit(receiver.url);
    const [received] = await receiver.until(1);
    const { secret } = await secretOf('ada');
    expect(() => verifyWebhook(received?.headers ?? {}, received?.body ?? '', secret)).not.toThrow();
    expect(Buffer.byteLength(received?.body ?? '')).toBeLessThan(20_480);
    expect(received?.event).toMatchObject({ data: { id, caller: null, statusUrl: `${app.url}/api/jobs/${id}` } });

    const items = await settled(id);
    expect(items).toMatchObject([{ id: received?.id, status: 'Delivered', attempts: [{ statusCode: 204 }] }]);
    const { body } = await as('ada').graphql(DELIVERIES, { id });
    const ofRest = (await as('admin').rest(`/api/jobs/${id}/deliveries`)).body;
    const toGraphQL = (all: unknown): unknown => JSON.parse(JSON.stringify(all).replace('"Delivered"', '"DELIVERED"'));
    expect({ items: Object(body).data.jobStatus.deliveries }).toEqual(toGraphQL(ofRest));

    const ask = async (client: ReturnType<typeof clientOf>) => [
      (await client.rest(`/api/jobs/${id}/deliveries`)).status,
      (await client.rest(`/api/jobs/${id}/deliveries/${received?.id}/redeliver`, { method: 'POST' })).status,
      (await client.rest('/api/webhook-secret')).status,
      (await client.rest('/api/webhook-secret/rotate', { method: 'POST' })).status,
    ];
    expect(await ask(as('eve'))).toEqual([404, 404, 200, 403]);
    expect(await ask(as('reader'))).toEqual([404, 403, 403, 403]);
    expect(await ask(as('submitter'))).toEqual([403, 404, 200, 403]);
    expect(await ask(clientOf(app, bearer(accessToken)))).toEqual([403, 403, 403, 403]);
    expect(await ask(clientOf(app))).toEqual([401, 401, 401, 401]);
    const { body: ofToken } = await clientOf(app, bearer(accessToken)).graphql(DELIVERIES, { id });
    expect(ofToken).toMatchObject({
      data: { jobStatus: { deliveries: null } },
      errors: [{ extensions: { code: 'FORBIDDEN' } }],
    });
    expect((await secretOf('eve')).secret).not.toBe(secret);
  });

  it('are sent again on request, on both APIs', async () => {
    const receiver = await startReceiver();
    receiver.replies((response) => response.writeHead(410).end());
    const { id } = await submit(receiver.url);
    const [delivery] = await settled(id);
    expect(delivery?.status).toBe('Failed');
    const again = await as('ada').rest(`/api/jobs/${id}/deliveries/${delivery?.id}/redeliver`, { method: 'POST' });
    expect([again.status, deliverySchema.parse(again.body).status]).toEqual([202, 'Pending']);
    await receiver.until(2);
    await settled(id);
    receiver.replies((response) => response.writeHead(200).end());
    const mutation =
      'mutation ($id: ID!, $delivery: ID!) { redeliverWebhook(jobId: $id, deliveryId: $delivery) { status } }';
    expect(await as('ada').graphql(mutation, { id, delivery: delivery?.id })).toMatchObject({
      body: { data: { redeliverWebhook: { status: 'PENDING' } } },
    });
    await receiver.until(3);
    expect(await settled(id)).toMatchObject([
      { status: 'Delivered', attempts: [{ statusCode: 410 }, { statusCode: 410 }, { statusCode: 200 }] },
    ]);
  });

  it('are refused where the server sends nothing, with the name of the option, and nothing is accepted', async () => {
    const refused = async (webhook: string): Promise<readonly Answer[]> => [
      await as('ada').rest(`/api/scripted-jobs?webhook=${encodeURIComponent(webhook)}`, {
        method: 'POST',
        body: { text: 'x' },
      }),
      await as('ada').rest(`/api/scripted-jobs/batch?webhook=${encodeURIComponent(webhook)}`, {
        method: 'POST',
        body: { items: [{ text: 'x' }] },
      }),
      await as('ada').graphql(SUBMIT, { options: { webhook } }),
    ];
    for (const webhook of [
      'https://10.0.0.1/',
      'https://localhost/',
      'http://example.com/',
      'ftp://example.com/',
      'https://user:password@example.com/',
      'https://example.com/#fragment',
      'no URL',
      `https://example.com/${'x'.repeat(2000)}`,
    ]) {
      const [one, batch, graphql] = await refused(webhook);
      for (const answer of [one, batch])
        expect(answer).toMatchObject({
          status: 400,
          body: { errors: [{ pointer: '#/webhook', detail: expect.stringMatching(/^Invalid webhook: /) }] },
        });
      expect(graphql).toMatchObject({
        body: { errors: [{ extensions: { code: 'BAD_USER_INPUT', issues: [{ path: ['options', 'webhook'] }] } }] },
      });
    }
    expect((await as('ada').rest('/api/jobs?limit=100')).body).not.toMatchObject({
      items: expect.arrayContaining([expect.objectContaining({ status: 'Pending' })]),
    });
  });

  it('are part of a batch, of an idempotency key, and of a replay', async () => {
    const receiver = await startReceiver();
    const path = `/api/scripted-jobs/batch?webhook=${encodeURIComponent(receiver.url)}`;
    const { status } = await as('ada').rest(path, { method: 'POST', body: { items: [{ text: 'a' }, { text: 'b' }] } });
    expect(status).toBe(202);
    await receiver.until(2);
    const keyed = (webhook: string) =>
      as('ada').rest(`/api/scripted-jobs?webhook=${encodeURIComponent(webhook)}`, {
        method: 'POST',
        body: { text: 'hello' },
        headers: { 'Idempotency-Key': '"once"' },
      });
    expect((await keyed(receiver.url)).status).toBe(202);
    await receiver.until(3);
    expect((await keyed(receiver.url)).headers.get('idempotency-replayed')).toBe('true');
    expect((await keyed(`${receiver.url}&other`)).status).toBe(422);
    expect(receiver.received).toHaveLength(3);
  });

  it('have a secret that an admin replaces, on both APIs', async () => {
    const before = await secretOf('eve');
    expect(await as('admin').rest('/api/webhook-secret/rotate?caller=key:eve', { method: 'POST' })).toMatchObject({
      status: 200,
      body: { caller: 'key:eve', previousValidUntil: expect.any(String) },
    });
    const after = await secretOf('eve');
    expect(after.previous.map(({ secret }) => secret)).toEqual([before.secret]);
    expect(
      await as('admin').graphql('mutation { rotateWebhookSecret(caller: "key:eve") { caller previousValidUntil } }'),
    ).toMatchObject({ body: { data: { rotateWebhookSecret: { caller: 'key:eve' } } } });
    const { body } = await as('eve').graphql('{ webhookSecret { secret rotatedAt previous { secret validUntil } } }');
    expect(body).toMatchObject({
      data: { webhookSecret: { previous: [{ secret: after.secret }, { secret: before.secret }] } },
    });
    expect((await as('admin').rest('/api/webhook-secret/rotate?caller=%00', { method: 'POST' })).status).toBe(400);
  });
});
