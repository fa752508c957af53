/**
 * What receives webhooks, and verifies them by an implementation of Standard Webhooks 1.0.0 of its own, written from the section "Verifying
 * webhook authenticity" of its specification: the library that signs would agree with itself.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { z } from 'zod';
import { poll } from './follow.ts';
import { serve } from './http-server.ts';

const TOLERANCE_SECONDS = 300;

const headersSchema = z.object({
  'webhook-id': z.string().regex(/^[\w-]{1,100}$/),
  'webhook-timestamp': z.string().regex(/^\d+$/),
  'webhook-signature': z.string(),
});
const eventSchema = z.object({
  type: z.string(),
  timestamp: z.iso.datetime(),
  data: z.looseObject({ id: z.string(), status: z.string() }),
});

export interface Received {
  readonly id: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly event: z.output<typeof eventSchema>;
}

/** @throws Error that says what is wrong */
export function verifyWebhook(headers: IncomingHttpHeaders, body: string, secret: string): void {
  const {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures,
  } = headersSchema.parse(headers);
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS)
    throw new Error('the timestamp is too old or too new');
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  if (!secret.startsWith('whsec_') || key.length < 24 || key.length > 64) throw new Error('the secret is malformed');
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest();
  const matches = signatures.split(' ').some((each) => {
    const [version, text = ''] = each.split(',');
    const given = Buffer.from(text, 'base64');
    return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected);
  });
  if (!matches) throw new Error('no signature matches');
}

type Reply = (response: ServerResponse, received: Received) => unknown;

export interface Receiver {
  readonly url: string;
  readonly received: readonly Received[];
  /** What it does with each request from now on. */
  replies(reply: Reply): void;
  /** Resolves when it has received so many. */
  until(count: number): Promise<readonly Received[]>;
}

/** A receiver that replies 204 until it is told otherwise. It ends with the test. */
export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  let reply: Reply = (response) => response.writeHead(204).end();
  const url = await serve(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    const { headers } = request;
    const one = { id: String(headers['webhook-id']), headers, body, event: eventSchema.parse(JSON.parse(body)) };
    received.push(one);
    await reply(response, one);
  });
  return {
    url: `${url}/hook?token=in-the-query`,
    received,
    replies: (next) => void (reply = next),
    until: (count) =>
      poll(
        async () => received,
        ({ length }) => length >= count,
      ),
  };
}
