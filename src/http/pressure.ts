import { constrainedMemory } from 'node:process';
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import underPressure from '@fastify/under-pressure';
import type { FastifyInstance } from 'fastify';
import { ServiceError } from '../core/errors.ts';

/** How often the process is measured, in milliseconds. */
const SAMPLE_MS = 500;
/** Milliseconds by which timers may be late on average: an answer takes some such delays, and health's should take less than 1 s. */
const MAX_DELAY_MS = 400;
/** So many samples in a row are pressure that lasts; a single one may be a large reply. */
const LASTING_SAMPLES = 2;
/** Times the delay that may be: then one sample is enough, and the next would be long in coming. */
const HOPELESS = 2.5;
/** Of the memory that there is. */
const MAX_SHARE = 0.9;
const RETRY_AFTER_SECONDS = 1;

export interface PressureLimits {
  /**
   * Milliseconds.
   * @default 400
   */
  readonly maxDelayMs?: number;
}

/**
 * Refuses requests while the process has more to do than it can, or hardly any memory left. What lasts for one sample alone
 * refuses nobody.
 */
export async function addPressureLimits(
  app: FastifyInstance,
  { maxDelayMs = MAX_DELAY_MS }: PressureLimits = {},
): Promise<void> {
  /** In a row under pressure. */
  let samples = 0;
  let timer: NodeJS.Timeout | undefined;

  await app.register(underPressure, {
    sampleInterval: SAMPLE_MS,
    maxEventLoopDelay: maxDelayMs,
    maxHeapUsedBytes: MAX_SHARE * getHeapStatistics().heap_size_limit,
    maxRssBytes: MAX_SHARE * memoryLimit(),
    async pressureHandler() {
      if (samples < LASTING_SAMPLES) return;
      throw new ServiceError('service-unavailable', 'The server is busy; try again later.', {
        retryAfter: RETRY_AFTER_SECONDS,
      });
    },
  });
  // What was before the server is ready is no load.
  app.addHook('onReady', async () => {
    timer = setInterval(() => {
      const isHopeless = app.memoryUsage().eventLoopDelay > HOPELESS * maxDelayMs;
      samples = app.isUnderPressure() ? samples + (isHopeless ? LASTING_SAMPLES : 1) : 0;
    }, SAMPLE_MS);
  });
  app.addHook('onClose', async () => clearInterval(timer));
}

/** Bytes that the process may have: the machine's, or what its container allows. */
function memoryLimit(): number {
  const constrained = constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
