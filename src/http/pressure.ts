import { monitorEventLoopDelay } from 'node:perf_hooks';
import { constrainedMemory } from 'node:process';
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import type { FastifyInstance } from 'fastify';
import { ServiceError } from '../core/errors.ts';
import type { Logger } from '../core/ports.ts';

/** Milliseconds between two samples. */
const SAMPLE_MS = 500;
/** Milliseconds between two measurements of the event loop's delay, which include this time. */
const RESOLUTION_MS = 10;
/** Mean delay of the event loop in milliseconds. A reply takes a few such delays, and that of a health check should take less than 1 s. */
const MAX_DELAY_MS = 400;
/** Samples in a row that make lasting pressure; a single one may come from one large reply. */
const LASTING_SAMPLES = 2;
/** A delay so many times the maximum is refused after one sample, because the next would come late. */
const HOPELESS = 2.5;
/** Share of the available memory. */
const MAX_SHARE = 0.9;
const RETRY_AFTER_SECONDS = 1;
/** The `detail` of a refusal. */
export const OVERLOADED = 'The server is overloaded. Try again later.';

export interface PressureLimits {
  readonly logger: Logger;
  /**
   * Mean delay of the event loop, in milliseconds.
   * @default 400
   */
  readonly maxDelayMs?: number | undefined;
}

/**
 * Refuses requests while the event loop is overloaded or memory is nearly used up. Pressure that lasts for a single sample is
 * ignored.
 */
export function addPressureLimits(app: FastifyInstance, { logger, maxDelayMs = MAX_DELAY_MS }: PressureLimits): void {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  const maxHeap = MAX_SHARE * getHeapStatistics().heap_size_limit;
  const maxResident = MAX_SHARE * memoryLimit();
  /** Samples in a row under pressure. */
  let samples = 0;
  let timer: NodeJS.Timeout | undefined;

  const sample = (): void => {
    const delay = delays.mean / 1e6 - RESOLUTION_MS;
    delays.reset();
    // Nothing was measured, as after the process was suspended.
    if (Number.isNaN(delay)) return;
    const isHopeless = delay > HOPELESS * maxDelayMs;
    const isPressed =
      delay > maxDelayMs || getHeapStatistics().used_heap_size > maxHeap || (residentMemory() ?? 0) > maxResident;
    const wasRefusing = samples >= LASTING_SAMPLES;
    samples = isPressed ? samples + (isHopeless ? LASTING_SAMPLES : 1) : 0;
    const isRefusing = samples >= LASTING_SAMPLES;
    if (isRefusing && !wasRefusing)
      logger.warn({ delayMs: Math.round(delay) }, 'the process is overloaded; requests are refused');
    if (wasRefusing && !isRefusing) logger.info({}, 'the process is no longer overloaded');
  };

  app.addHook('onRequest', (_request, _reply, done) => {
    if (samples >= LASTING_SAMPLES)
      throw new ServiceError('service-unavailable', OVERLOADED, { retryAfter: RETRY_AFTER_SECONDS });
    done();
  });
  // Work before the server is ready is not load.
  app.addHook('onReady', async () => {
    delays.enable();
    timer = setInterval(sample, SAMPLE_MS);
  });
  app.addHook('onClose', async () => {
    clearInterval(timer);
    delays.disable();
  });
}

/** Undefined where it cannot be read: on Linux that takes a file, and the process may have no more of them. */
function residentMemory(): number | undefined {
  try {
    return process.memoryUsage.rss();
  } catch {
    return undefined;
  }
}

/** Bytes of memory that the process may use: the machine's, or the limit of its container. */
function memoryLimit(): number {
  const constrained = constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
