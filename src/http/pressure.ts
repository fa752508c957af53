import { constrainedMemory } from 'node:process';
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import underPressure from '@fastify/under-pressure';
import type { FastifyInstance } from 'fastify';
import { ServiceError } from '../core/errors.ts';

/** Milliseconds between two samples. */
const SAMPLE_MS = 500;
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
export async function addPressureLimits(
  app: FastifyInstance,
  { maxDelayMs = MAX_DELAY_MS }: PressureLimits = {},
): Promise<void> {
  /** Samples in a row under pressure. */
  let samples = 0;
  let timer: NodeJS.Timeout | undefined;

  await app.register(underPressure, {
    sampleInterval: SAMPLE_MS,
    maxEventLoopDelay: maxDelayMs,
    maxHeapUsedBytes: MAX_SHARE * getHeapStatistics().heap_size_limit,
    maxRssBytes: MAX_SHARE * memoryLimit(),
    async pressureHandler() {
      if (samples < LASTING_SAMPLES) return;
      throw new ServiceError('service-unavailable', OVERLOADED, {
        retryAfter: RETRY_AFTER_SECONDS,
      });
    },
  });
  // Work before the server is ready is not load.
  app.addHook('onReady', async () => {
    timer = setInterval(() => {
      const { eventLoopDelay } = app.memoryUsage();
      // Infinity stands for an interval in which nothing was measured, as after the process was suspended.
      if (eventLoopDelay === Infinity) return;
      const isHopeless = eventLoopDelay > HOPELESS * maxDelayMs;
      samples = app.isUnderPressure() ? samples + (isHopeless ? LASTING_SAMPLES : 1) : 0;
    }, SAMPLE_MS);
  });
  app.addHook('onClose', async () => clearInterval(timer));
}

/** Bytes of memory that the process may use: the machine's, or the limit of its container. */
function memoryLimit(): number {
  const constrained = constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
