/** Sends the deliveries that are due, from this process. */
import { Webhook as Signer } from 'standardwebhooks';
import { settlesWithin } from '../core/deadline.ts';
import type { JobType } from '../core/define-job.ts';
import { isQueueUnavailable } from '../core/errors.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Logger } from '../core/ports.ts';
import { type DeliveryAttempt, type DeliveryStore, type DueDelivery, groupOf } from '../core/webhook/delivery.ts';
import { toEventBody } from '../core/webhook/event-body.ts';
import type { WebhookSecrets } from '../core/webhook/secrets.ts';
import type { Guard } from './guard.ts';
import { type Sent, send } from './send.ts';

/** Deliveries that a process attempts at a time; of one caller; and of a caller's to one receiver. So one that does not answer slows nobody else. */
const MOST = 100;
const PER_CALLER = 50;
const PER_RECEIVER = 10;
/** Milliseconds between two looks at the store: how late a retry is, and the end of a job in another process. */
const LOOK_MS = 1000;
/** Milliseconds after which a look follows that something asked for. */
const SOON_MS = 10;
/** Milliseconds between two tries to keep what came of an attempt, and for how long it is tried, while the store is unavailable. */
const TRY_AGAIN_MS = 1000;
const MAX_TRIES = 12;
/** The longest wait for attempts to end at shutdown, in milliseconds. */
const CLOSE_MS = 3000;
/** Receivers of which the process remembers that they fail. */
const MOST_FAILING = 1000;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** The waits after a first attempt that failed, and those after it (Standard Webhooks 1.0.0, section "Deliverability and reliability"). */
const WAITS_MS = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR];
/** The random part that is added to a wait. */
const JITTER = 0.2;
/** The longest wait that a receiver may ask for. */
const MAX_RETRY_AFTER_MS = 10 * HOUR;
/** The receiver wants no more of it. */
const GONE = 410;

export interface DispatcherOptions {
  readonly store: Pick<DeliveryStore, 'take'>;
  readonly secrets: WebhookSecrets;
  readonly guard: Guard;
  typeOf(name: string): JobType | undefined;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'webhookAttempted'>;
  /** The waits between attempts, in milliseconds. @default 5 s, 5 min, 30 min, 2 h, 5 h, 10 h */
  readonly waitsMs?: readonly number[] | undefined;
  /** Milliseconds between two looks at the store. @default 1000 */
  readonly lookMs?: number | undefined;
  /** Milliseconds for a reply. @default 15 seconds */
  readonly replyMs?: number | undefined;
}

export interface Dispatcher {
  /** Takes deliveries from now on. */
  start(): void;
  /** A job with a webhook has ended here, so that there is something to send. */
  nudge(): void;
  close(): Promise<void>;
}

export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { store, secrets, guard, typeOf, logger, metrics, waitsMs = WAITS_MS, lookMs = LOOK_MS, replyMs } = options;
  const closing = new AbortController();
  const running = new Set<Promise<void>>();
  /** By the caller, and by the caller and the receiver. */
  const busy = new Map<string, number>();
  const failing = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let looking = false;
  let lookAgain = false;
  /** Whether more is due than was taken, perhaps. */
  let hasMore = false;

  const count = (key: string, change: 1 | -1): void => {
    const now = (busy.get(key) ?? 0) + change;
    if (now === 0) busy.delete(key);
    else busy.set(key, now);
  };

  function lookIn(ms: number): void {
    if (closing.signal.aborted) return;
    clearTimeout(timer);
    timer = setTimeout(() => void look(), ms).unref();
  }

  function nudge(): void {
    if (looking) lookAgain = true;
    else if (timer !== undefined) lookIn(SOON_MS);
  }

  async function look(): Promise<void> {
    looking = true;
    lookAgain = false;
    try {
      const most = MOST - running.size;
      if (most > 0) {
        const due = await store.take({ most, perReceiver: PER_RECEIVER, perCaller: PER_CALLER, busy });
        hasMore = due.length > 0;
        for (const delivery of due) begin(delivery);
      }
    } catch (error) {
      logger.debug({ err: error }, 'could not look for webhooks to send');
    } finally {
      looking = false;
      lookIn(lookAgain ? SOON_MS : lookMs);
    }
  }

  function begin(delivery: DueDelivery): void {
    const keys = [delivery.job.caller, groupOf(delivery.job.caller, delivery.receiver)];
    for (const key of keys) count(key, 1);
    const attempt = deliver(delivery).finally(() => {
      for (const key of keys) count(key, -1);
      running.delete(attempt);
      if (hasMore) nudge();
    });
    running.add(attempt);
  }

  async function deliver(delivery: DueDelivery): Promise<void> {
    const { job } = delivery;
    try {
      const at = new Date();
      const sent = await attemptOf(delivery, at);
      const durationMs = Date.now() - at.getTime();
      const next = nextOf(delivery, sent);
      report(delivery, sent, next, durationMs);
      const { statusCode, error } = sent;
      await keep(() => delivery.settle({ at, durationMs, statusCode, error } satisfies DeliveryAttempt, next));
    } catch (error) {
      // Another process sends it at once, or any one when the store is there again.
      if (closing.signal.aborted) await delivery.settle(undefined, 0).catch(() => undefined);
      else if (isQueueUnavailable(error))
        logger.debug({ err: error, jobId: job.id }, 'could not keep the state of a webhook');
      else logger.error({ err: error, jobId: job.id }, 'could not send a webhook');
    }
  }

  async function attemptOf({ id, job, webhook, trace }: DueDelivery, at: Date): Promise<Sent> {
    const body = toEventBody(job, typeOf(job.type), webhook);
    const { secret, previous } = await secrets.of(job.caller);
    const signatures = [secret, ...previous.map((each) => each.secret)].map((each) =>
      new Signer(each).sign(id, at, body),
    );
    const headers = {
      'Content-Type': 'application/json',
      'User-Agent': 'Accepted-Webhooks/1',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': signatures.join(' '),
      ...(trace && { traceparent: trace.traceparent }),
    };
    return send({ url: webhook.url, headers, body, guard, signal: closing.signal, replyMs });
  }

  /** When the next attempt follows, or how the delivery ends. */
  function nextOf({ tries }: DueDelivery, sent: Sent): number | 'Delivered' | 'Failed' {
    const { statusCode } = sent;
    if (statusCode !== null && statusCode >= 200 && statusCode < 300) return 'Delivered';
    const wait = waitsMs[tries];
    if (statusCode === GONE || wait === undefined) return 'Failed';
    const asked = sent.statusCode === null ? 0 : Math.min(sent.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS);
    return Math.round(Math.max(asked, wait) + wait * JITTER * Math.random());
  }

  /** Of each receiver, the log has a line when it begins to fail, and when it no longer does. Only its host: the rest of a URL may be secret. */
  function report(
    { job, receiver }: DueDelivery,
    { statusCode, error }: Sent,
    next: number | 'Delivered' | 'Failed',
    durationMs: number,
  ): void {
    metrics.webhookAttempted(next === 'Delivered' || next === 'Failed' ? next : 'Retried', durationMs / 1000);
    const group = groupOf(job.caller, receiver);
    const about = { receiver, caller: job.caller, jobId: job.id, statusCode, error };
    if (next === 'Delivered') {
      if (failing.delete(group)) logger.info(about, 'webhooks to a receiver arrive again');
    } else if (!failing.has(group)) {
      const [oldest] = failing;
      if (failing.size === MOST_FAILING && oldest !== undefined) failing.delete(oldest);
      failing.add(group);
      logger.warn(about, 'webhooks to a receiver fail; retrying each for about 17 hours');
    }
    if (next === 'Failed') logger.warn(about, 'a webhook was given up');
  }

  /** Repeats a step while the store is unavailable. */
  async function keep(step: () => Promise<void>): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await step();
        return;
      } catch (error) {
        if (!isQueueUnavailable(error) || tries === MAX_TRIES || closing.signal.aborted) throw error;
        await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS));
      }
    }
  }

  return {
    start: () => lookIn(0),
    nudge,
    async close() {
      closing.abort();
      clearTimeout(timer);
      await settlesWithin(Promise.all(running), CLOSE_MS);
    },
  };
}
