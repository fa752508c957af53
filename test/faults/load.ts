import { setInterval as every, setTimeout as delay } from 'node:timers/promises';
import { statesOf } from '../support/states.ts';
import type { ApiClient, SeenJob } from './api-client.ts';
import { APIS, type Api, type Ledger } from './ledger.ts';

/** Submissions per second over both APIs. */
const RATE = 20;
/** The least time between two requests for the same job, in milliseconds. */
const AGAIN_MS = 1000;
const IMPORTED_ROWS = 10;

export interface Load {
  /** Stops submitting. Resolves when every client that retries has been accepted and every job has been seen done. */
  finish(): Promise<void>;
}

export interface LoadOptions {
  readonly url: () => string;
  readonly client: ApiClient;
  readonly ledger: Ledger;
  /** Aborted to stop the clients and readers that are still waiting. */
  readonly giveUp: AbortSignal;
  /** Whether readers wait for as long as the replies say. Otherwise they see the end of each job soon. */
  readonly heedsRetryAfter: boolean;
}

/**
 * Submits at a steady rate, alternating between the APIs. Every third client has an idempotency key and retries until it
 * is accepted; one in ten submits an import. A reader follows each job, on the other API or by events.
 */
export function startLoad({ url, client, ledger, giveUp, heedsRetryAfter }: LoadOptions): Load {
  const stopping = new AbortController();
  const clients = new Set<Promise<void>>();
  const failures: unknown[] = [];

  async function runClient(number: number): Promise<void> {
    const api: Api = APIS[number % 2] ?? 'rest';
    const isImport = number % 20 > 17;
    const customers = Array.from({ length: isImport ? IMPORTED_ROWS : 1 }, (_, row) => `c${number}-${row}`);
    const key = number % 3 === 0 ? `key-${number}` : undefined;
    const submission = ledger.submission(customers);
    for (;;) {
      const sentAt = performance.now();
      const answer = await client.submit(api, customers, key);
      if (answer.kind === 'answered') {
        ledger.accepted(submission, { jobId: answer.value, api, sentAt, at: performance.now() });
        await (number % 10 === 0 ? watch(answer.value) : pollToEnd(answer.value, api === 'rest' ? 'graphql' : 'rest'));
        return;
      }
      if (answer.kind === 'refused')
        ledger.refusedSubmission(submission, { sentAt, isUnconfirmed: answer.isUnconfirmed });
      else submission.unanswered += 1;
      if (key === undefined || giveUp.aborted) return;
      await delay(AGAIN_MS);
    }
  }

  async function pollToEnd(jobId: string, api: Api): Promise<void> {
    while (!giveUp.aborted) {
      const askedAt = performance.now();
      const answer = await client.read(api, jobId);
      const job = answer.kind === 'answered' ? answer.value : undefined;
      if (job !== undefined) note(jobId, job, askedAt);
      if (ledger.isDone(jobId)) return;
      const waitMs = heedsRetryAfter ? (job?.retryAfter ?? 1) * 1000 : AGAIN_MS;
      await delay(waitMs, undefined, { signal: giveUp }).catch(() => undefined);
    }
  }

  async function watch(jobId: string): Promise<void> {
    while (!giveUp.aborted) {
      try {
        const response = await fetch(new URL(`/api/jobs/${jobId}/events`, url()), { signal: giveUp });
        // A state was current no later than when it arrived.
        const states = response.ok ? statesOf(response) : [];
        for await (const state of states) note(jobId, state as SeenJob, performance.now());
      } catch {
        // The stream was cut.
      }
      if (ledger.isDone(jobId)) return;
      await delay(AGAIN_MS);
    }
  }

  function note(jobId: string, job: SeenJob | null, askedAt: number): void {
    if (job === null) ledger.missed(jobId);
    else ledger.saw(jobId, job.status, askedAt);
  }

  async function submitSteadily(): Promise<void> {
    let number = 0;
    for await (const _ of every(1000 / RATE)) {
      if (stopping.signal.aborted) return;
      const running = runClient((number += 1)).catch((error: unknown) => void failures.push(error));
      clients.add(running);
      void running.then(() => clients.delete(running));
    }
  }

  const submitting = submitSteadily();
  return {
    async finish() {
      stopping.abort();
      await submitting;
      await Promise.all(clients);
      if (failures.length > 0)
        throw new AggregateError(
          failures,
          `${failures.length} clients received an invalid reply: ${String(failures[0])}`,
        );
    },
  };
}
