/** Schedules of job types, on BullMQ's job schedulers: see decision 22. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { JobIds } from '../core/access/job-ids.ts';
import { settlesWithin, withDeadline } from '../core/deadline.ts';
import type { JobType } from '../core/define-job.ts';
import { defaultOptionsSchema } from '../core/input/submit-options.ts';
import { parseSubmission } from '../core/input/parse-input.ts';
import type { JobOptions } from '../core/job.ts';
import type { Metrics } from '../core/metrics.ts';
import type { JobQueue, Logger } from '../core/ports.ts';
import { SCHEDULE_CALLER, type Schedules, timezoneOf } from '../core/schedule.ts';
import { isConnectionError } from '../stores/connection-error.ts';
import type { BackendQueue, BackendWorker, JobProcessor, QueueBackend } from './backend.ts';
import { timesBetween } from './cron.ts';

/** The queue of BullMQ's job schedulers. No job type has a hyphen in its name. */
export const QUEUE = 'accepted-schedules';
/** The longest wait for the store, in milliseconds. */
const DEADLINE_MS = 3000;
/** Milliseconds before a step is tried again that failed at the start. */
const TRY_AGAIN_MS = 1000;
/** Milliseconds between two looks whether the store still has the schedules. */
const LOOK_MS = 30_000;
/** A due job that cannot be submitted is tried again each second, for so many seconds: another worker may know its type. */
const MAX_TRIES = 600;
const LOCK_MS = 8000;
/**
 * A job of a scheduler that a worker takes within so many milliseconds stands for all times since: its first worker was lost, or all workers
 * were restarted. BullMQ goes on with the next time to come.
 */
const CATCH_UP_MS = 30_000;

/** What each job of a scheduler carries. As text, which every store returns as it was. */
const templateSchema = z.object({ job: z.string() });
/** BullMQ's options of such a job: the time that it is for, and what times come after it. */
const optionsSchema = z.object({
  prevMillis: z.number(),
  repeat: z.object({ pattern: z.string(), tz: z.string() }),
});
const jobSchema = z.object({
  type: z.string(),
  attempts: z.int(),
  input: z.unknown(),
  options: defaultOptionsSchema.optional(),
});
type ScheduledJob = z.output<typeof jobSchema>;

export interface SchedulesOptions {
  readonly backend: QueueBackend;
  readonly queue: Pick<JobQueue, 'has' | 'addOnce' | 'readDepth'>;
  readonly jobIds: Pick<JobIds, 'ofKey'>;
  /** All of the process. */
  readonly types: readonly JobType[];
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface BullmqSchedules extends Schedules {
  /**
   * Makes the store's schedules those of this process's job types, and submits jobs that are due from now on.
   * @param maxDepth waiting jobs of a type beyond which none is submitted
   */
  start(maxDepth: number): void;
  close(): Promise<void>;
}

export function createSchedules({ backend, queue, jobIds, types, logger, metrics }: SchedulesOptions): BullmqSchedules {
  const scheduled = types.flatMap((type) =>
    type.schedule === undefined ? [] : [{ ...type, schedule: type.schedule }],
  );
  const closing = new AbortController();
  let opened: Promise<BackendQueue> | undefined;
  let worker: BackendWorker | undefined;
  let running = Promise.resolve();

  /** A BullMQ queue whose first connection failed never recovers. */
  async function openQueue(): Promise<BackendQueue> {
    const created = backend.createQueue(QUEUE);
    try {
      await withDeadline(created.waitUntilReady(), DEADLINE_MS);
      return created;
    } catch (error) {
      opened = undefined;
      created.close().catch(() => undefined);
      throw error;
    }
  }

  async function schedulers() {
    opened ??= openQueue();
    return (await opened).schedulers;
  }

  /** Changes nothing where it is right already, because an upsert replaces the job that is due next, or overdue. */
  async function sync(): Promise<void> {
    const stored = await schedulers();
    const found = await withDeadline(stored.getJobSchedulers(), DEADLINE_MS);
    for (const { key } of found) {
      if (scheduled.some(({ name }) => name === key)) continue;
      await withDeadline(stored.removeJobScheduler(key), DEADLINE_MS);
      logger.info({ type: key }, 'schedule removed');
    }
    for (const type of scheduled) {
      const repeat = { pattern: type.schedule.cron, tz: timezoneOf(type.schedule) };
      const data = { job: JSON.stringify(toScheduledJob(type)) };
      const is = found.find(({ key }) => key === type.name);
      const known = templateSchema.safeParse(is?.template?.data).data?.job;
      if (is?.pattern === repeat.pattern && is.tz === repeat.tz && known === data.job) continue;
      const opts = {
        attempts: MAX_TRIES,
        backoff: { type: 'fixed', delay: TRY_AGAIN_MS },
        removeOnComplete: true,
        removeOnFail: true,
      };
      await withDeadline(stored.upsertJobScheduler(type.name, repeat, { name: type.name, data, opts }), DEADLINE_MS);
      logger.info({ type: type.name, cron: repeat.pattern, timezone: repeat.tz }, 'schedule set');
    }
  }

  /** Submits the job of one time. Its id comes from that time, so a worker that is lost meanwhile makes no second one. */
  async function submit(dueAt: number, { type, attempts, input, options }: ScheduledJob, maxDepth: number) {
    if (!queue.has(type)) throw new Error(`this process has no job type ${type}`);
    if ((await queue.readDepth(type, maxDepth)) >= maxDepth) {
      logger.warn(
        { type, dueAt: new Date(dueAt) },
        'a scheduled job was left out, because the queue of its type is full',
      );
      return;
    }
    const { job, replayed } = await queue.addOnce({
      id: await jobIds.ofKey(type, SCHEDULE_CALLER, String(dueAt)),
      type,
      caller: SCHEDULE_CALLER,
      createdAt: new Date(),
      maxAttempts: attempts,
      input,
      options: toOptions(dueAt, options),
      requestId: `${SCHEDULE_CALLER}:${dueAt}`,
      fingerprint: SCHEDULE_CALLER,
    });
    metrics.submitted(type, replayed ? 'replayed' : 'accepted');
    logger.debug({ jobId: job.id, type, replayed }, 'job accepted');
  }

  /** Repeats a step until it is done. Undefined if it was closed before. */
  async function untilDone<T>(step: () => Promise<T>): Promise<T | undefined> {
    let isLogged = false;
    while (!closing.signal.aborted) {
      try {
        return await step();
      } catch (error) {
        // That the store is unavailable is logged once, for the whole process.
        if (error instanceof Error && isConnectionError(error)) {
          logger.debug({ err: error }, 'could not reach the store to set the schedules');
        } else if (!isLogged) {
          isLogged = true;
          logger.warn({ err: error }, 'could not set the schedules; retrying');
        }
        await delay(TRY_AGAIN_MS, undefined, { signal: closing.signal }).catch(() => undefined);
      }
    }
    return undefined;
  }

  /** A Redis that lost its data has no names of job types either. */
  async function restoreLost(): Promise<void> {
    const names = types.map(({ name }) => name);
    const known = new Set(await withDeadline(backend.addTypes([]), DEADLINE_MS));
    if (names.every((name) => known.has(name))) return;
    await withDeadline(backend.addTypes(names), DEADLINE_MS);
    await sync();
  }

  async function run(maxDepth: number): Promise<void> {
    await untilDone(sync);
    if (scheduled.length === 0) return;
    const process: JobProcessor = async ({ opts, data }) => {
      const job = jobSchema.parse(JSON.parse(templateSchema.parse(data).job));
      const { prevMillis: dueAt, repeat } = optionsSchema.parse(opts);
      const now = Date.now();
      const later = now - dueAt > CATCH_UP_MS ? [] : timesBetween(dueAt, now, repeat);
      for (const time of [dueAt, ...later]) await submit(time, job, maxDepth);
    };
    worker = await untilDone(() => createWorker(process));
    while (!closing.signal.aborted) {
      await delay(LOOK_MS, undefined, { signal: closing.signal }).catch(() => undefined);
      if (!closing.signal.aborted) await restoreLost().catch(() => undefined);
    }
  }

  const createWorker = (process: JobProcessor): Promise<BackendWorker> =>
    backend.createWorker(QUEUE, process, {
      isOwn: true,
      lockDuration: LOCK_MS,
      lockRenewTime: LOCK_MS / 4,
      stalledInterval: 1500,
      // Each of them is safe to submit again.
      maxStalledCount: 1_000_000,
      runRetryDelay: TRY_AGAIN_MS,
      onCompleted: () => undefined,
      onRenewed: () => undefined,
      onLost: () => undefined,
      onFailed({ name, finishedOn, failedReason }) {
        const about = { type: name, reason: failedReason };
        if (finishedOn === undefined) logger.debug(about, 'could not submit a scheduled job yet');
        else logger.error(about, 'a scheduled job could not be submitted');
      },
    });

  return {
    async readNextRuns() {
      if (scheduled.length === 0) return new Map();
      try {
        const found = await withDeadline((await schedulers()).getJobSchedulers(), DEADLINE_MS);
        return new Map(found.flatMap(({ key, next }) => (next == null ? [] : [[key, new Date(next)] as const])));
      } catch (error) {
        logger.debug({ err: error }, 'could not read the schedules');
        return new Map();
      }
    },
    start(maxDepth) {
      running = run(maxDepth);
    },
    async close() {
      closing.abort();
      await settlesWithin(running, DEADLINE_MS);
      await settlesWithin(Promise.all([worker?.close(), opened?.then((created) => created.close())]), DEADLINE_MS);
    },
  };
}

function toScheduledJob(type: JobType): ScheduledJob {
  const { name, attempts, options, schedule } = type;
  const { storable: input } = parseSubmission(type, schedule?.input);
  return { type: name, attempts, input, options };
}

/** The type's options, counted from the time that the schedule names. */
function toOptions(
  dueAt: number,
  { delaySeconds = 0, startWithinSeconds, priority, tags }: ScheduledJob['options'] = {},
): JobOptions {
  const scheduledFor = dueAt + delaySeconds * 1000;
  return {
    scheduledFor: new Date(scheduledFor),
    ...(startWithinSeconds !== undefined && { startBefore: new Date(scheduledFor + startWithinSeconds * 1000) }),
    ...(priority !== undefined && priority > 0 && { priority }),
    ...(tags !== undefined && tags.length > 0 && { tags }),
  };
}
