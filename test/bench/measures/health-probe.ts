import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

const INTERVAL_MS = 200;

export interface Probe {
  /** 0: no reply. */
  readonly status: number;
  readonly ms: number;
}

/** In a thread of its own, which is idle but for this: checks the health of a server on new connections until it receives a message. */
async function probe(url: string): Promise<void> {
  const probes: Probe[] = [];
  const stop = new AbortController();
  parentPort?.once('message', () => stop.abort());
  while (!stop.signal.aborted) {
    const sent = performance.now();
    const status = await fetch(`${url}/health/live`, { headers: { Connection: 'close' } }).then(
      (response) => response.status,
      () => 0,
    );
    probes.push({ status, ms: performance.now() - sent });
    await delay(INTERVAL_MS);
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- The port of a thread has no origin.
  parentPort?.postMessage(probes);
}

// `measureOverload` starts this thread with the server's URL.
await probe(workerData as string);
