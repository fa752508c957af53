import { constrainedMemory } from 'node:process';
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import underPressure from '@fastify/under-pressure';
import type { FastifyInstance } from 'fastify';
import { ServiceError } from '../core/errors.ts';

/** How often the process is measured, in milliseconds. */
const SAMPLE_MS = 500;
/** Milliseconds by which timers may be late on average: an answer takes some such delays, and health's should take less than 1 s. */
const MAX_DELAY_MS = 200;
/** Of the memory that there is. */
const MAX_SHARE = 0.9;
const RETRY_AFTER_SECONDS = 1;

export interface PressureLimits {
  /**
   * Milliseconds.
   * @default 200
   */
  readonly maxDelayMs?: number;
}

/**
 * Refuses requests while the process has more to do than it can, or hardly any memory left. What lasts for one sample alone,
 * such as a large reply or the start, refuses nobody.
 */
export async function addPressureLimits(
  app: FastifyInstance,
  { maxDelayMs = MAX_DELAY_MS }: PressureLimits = {},
): Promise<void> {
  let firstAt = -Infinity;
  let lastAt = -Infinity;

  /** Whether requests have come under pressure in this sample and in the one before. */
  function lasts(): boolean {
    const now = performance.now();
    if (now - lastAt > 2 * SAMPLE_MS) firstAt = now;
    lastAt = now;
    return now - firstAt > SAMPLE_MS;
  }

  await app.register(underPressure, {
    sampleInterval: SAMPLE_MS,
    maxEventLoopDelay: maxDelayMs,
    maxHeapUsedBytes: MAX_SHARE * getHeapStatistics().heap_size_limit,
    maxRssBytes: MAX_SHARE * memoryLimit(),
    async pressureHandler() {
      if (!lasts()) return;
      throw new ServiceError('service-unavailable', 'The server is busy; try again later.', {
        retryAfter: RETRY_AFTER_SECONDS,
      });
    },
  });
}

/** Bytes that the process may have: the machine's, or what its container allows. */
function memoryLimit(): number {
  const constrained = constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
