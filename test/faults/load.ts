import { setInterval as every, setTimeout as delay } from 'node:timers/promises';
import { statesOf } from '../support/states.ts';
import type { Faces, SeenJob } from './faces.ts';
import { FACES, type Face, type Ledger } from './ledger.ts';

/** Submissions a second, of both faces together. */
const RATE = 20;
/** What a reply's Retry-After says. */
const AGAIN_MS = 1000;
const IMPORTED_ROWS = 10;

export interface Load {
  /** Submits no more, and resolves when each client that may try again has been accepted, and each job is seen done. */
  finish(): Promise<void>;
}

export interface LoadOptions {
  readonly url: () => string;
  readonly faces: Faces;
  readonly ledger: Ledger;
  /** Aborted when there is no more waiting for clients and readers that have not come to an end. */
  readonly giveUp: AbortSignal;
}

/**
 * Submits at a steady pace, on both faces in turn. Every third client has an idempotency key, and tries again until it
 * is accepted; one of twenty submits an import. A reader follows each job: on the other face, or by events.
 */
export function startLoad({ url, faces, ledger, giveUp }: LoadOptions): Load {
  const stopping = new AbortController();
  const clients = new Set<Promise<void>>();
  const failures: unknown[] = [];

  async function runClient(number: number): Promise<void> {
    const face: Face = FACES[number % 2] ?? 'rest';
    const isImport = number % 20 > 17;
    const customers = Array.from({ length: isImport ? IMPORTED_ROWS : 1 }, (_, row) => `c${number}-${row}`);
    const key = number % 3 === 0 ? `key-${number}` : undefined;
    const submission = ledger.submission(customers);
    for (;;) {
      const sentAt = performance.now();
      const answer = await faces.submit(face, customers, key);
      if (answer.kind === 'answered') {
        ledger.accepted(submission, { jobId: answer.value, face, sentAt, at: performance.now() });
        await (number % 10 === 0 ? watch(answer.value) : pollToEnd(answer.value, face === 'rest' ? 'graphql' : 'rest'));
        return;
      }
      if (answer.kind === 'refused') ledger.refusedSubmission(submission, sentAt);
      else submission.unanswered += 1;
      if (key === undefined || giveUp.aborted) return;
      await delay(AGAIN_MS);
    }
  }

  async function pollToEnd(jobId: string, face: Face): Promise<void> {
    while (!giveUp.aborted) {
      const askedAt = performance.now();
      const answer = await faces.read(face, jobId);
      if (answer.kind === 'answered') note(jobId, answer.value, askedAt);
      if (ledger.isDone(jobId)) return;
      await delay(AGAIN_MS);
    }
  }

  async function watch(jobId: string): Promise<void> {
    while (!giveUp.aborted) {
      try {
        const response = await fetch(new URL(`/api/jobs/${jobId}/events`, url()), { signal: giveUp });
        // What the stream tells was asked for no later than it came.
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
      const client = runClient((number += 1)).catch((error: unknown) => void failures.push(error));
      clients.add(client);
      void client.then(() => clients.delete(client));
    }
  }

  const submitting = submitSteadily();
  return {
    async finish() {
      stopping.abort();
      await submitting;
      await Promise.all(clients);
      if (failures.length > 0)
        throw new AggregateError(failures, `${failures.length} clients had a wrong reply: ${String(failures[0])}`);
    },
  };
}
