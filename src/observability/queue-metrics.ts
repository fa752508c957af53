import { Gauge, type Registry } from 'prom-client';
import { settlesWithin } from '../core/deadline.ts';
import type { Outage, QueueLoad, QueueMonitor } from '../core/metrics.ts';

/** Milliseconds for which a reading is used before the store is asked again. */
const AGE_MS = 1000;
/** The longest wait of a scrape for the store, in milliseconds. A later answer serves the next scrape. */
const WAIT_MS = 50;
/** Milliseconds after which a reading says nothing any more. */
const EXPIRES_MS = 60_000;

const STORE = { store: 'queue' };
const STATES: Readonly<Record<Outage, string>> = { none: 'closed', writes: 'read-only', all: 'open' };

/**
 * Adds what the store knows of the queue. It is read at a scrape, at most once a second, whoever asks.
 * @returns reads it, and never rejects
 */
export function addQueueMetrics(registry: Registry, queue: QueueMonitor): () => Promise<void> {
  const registers = [registry];
  const ofTypes = (name: string, help: string) => new Gauge({ name, help, labelNames: ['type'], registers });
  const waiting = ofTypes('accepted_jobs_waiting', 'Jobs that wait for a worker, counted up to 100,000.');
  const delayed = ofTypes('accepted_jobs_delayed', 'Jobs that wait for a time, counted up to 100,000.');
  const running = ofTypes('accepted_jobs_running', 'Jobs that run, in all processes.');
  const oldest = ofTypes(
    'accepted_oldest_waiting_seconds',
    'How long the first job has waited for a worker; 0: none waits.',
  );
  const webhooks = new Gauge({
    name: 'accepted_webhooks_waiting',
    help: 'Webhooks that wait for an attempt, or are being sent.',
    registers,
  });
  const up = new Gauge({
    name: 'accepted_store_up',
    help: 'Whether the store answered when it was last read.',
    labelNames: ['store'],
    registers,
  });
  const circuit = new Gauge({
    name: 'accepted_store_circuit',
    help: '1 for the state that the circuit breaker of the store has: closed, read-only or open.',
    labelNames: ['store', 'state'],
    registers,
  });
  const watchers = new Gauge({
    name: 'accepted_watchers',
    help: 'Event streams, subscriptions and held requests that follow a job.',
    registers,
  });

  let loads: { readonly byType: readonly QueueLoad[]; readonly webhooks: number; readonly at: number } | undefined;
  /** Undefined until the store has answered, or failed to. */
  let isUp: boolean | undefined;
  let askedAt = -Infinity;
  let reading: Promise<void> | undefined;

  async function read(): Promise<void> {
    askedAt = performance.now();
    try {
      const [byType, waitingWebhooks] = await Promise.all([queue.readLoads(), queue.countWebhooks()]);
      loads = { byType, webhooks: waitingWebhooks, at: askedAt };
      isUp = true;
    } catch {
      // The queue logs when its store becomes unavailable.
      isUp = false;
    } finally {
      reading = undefined;
    }
  }

  return async () => {
    if (performance.now() - askedAt > AGE_MS) reading ??= read();
    if (reading !== undefined) await settlesWithin(reading, WAIT_MS);
    if (isUp !== undefined) up.set(STORE, isUp ? 1 : 0);
    const outage = queue.outage();
    for (const [each, state] of Object.entries(STATES)) circuit.set({ ...STORE, state }, each === outage ? 1 : 0);
    watchers.set(queue.watchers());
    for (const gauge of [waiting, delayed, running, oldest]) gauge.reset();
    webhooks.reset();
    if (!isUp || loads === undefined || performance.now() - loads.at > EXPIRES_MS) return;
    webhooks.set(loads.webhooks);
    for (const { type, ...load } of loads.byType) {
      waiting.set({ type }, load.waiting);
      delayed.set({ type }, load.delayed);
      running.set({ type }, load.running);
      oldest.set({ type }, (load.oldestWaitingMs ?? 0) / 1000);
    }
  };
}
