import { type Caller, type Scope, canSee, isAdmin, requireJobAccess, requireScope } from '../access/caller.ts';
import type { JobIds } from '../access/job-ids.ts';
import type { JobKeys } from '../access/job-token.ts';
import { createBatchService } from '../batch/batch-service.ts';
import { createSubmitBatch } from '../batch/submit-batch.ts';
import { DeadlineError, withDeadline } from '../deadline.ts';
import { ServiceError, isQueueUnavailable, jobExpired, jobNotFound } from '../errors.ts';
import { type Files, urlWindow } from '../files/files.ts';
import { filesIn } from '../files/file-ref.ts';
import { findUnstorableText } from '../input/parse-input.ts';
import type { JobSide } from '../input/schema-parts.ts';
import { typeOfJobId } from '../job-id.ts';
import { type Job, isDone } from '../job.ts';
import { type Metrics, NO_METRICS } from '../metrics.ts';
import { createOutputService } from '../output/output-service.ts';
import { AUDIT, type JobEvents, type JobQueue, type Logger } from '../ports.ts';
import type { Use } from '../register.ts';
import type { Registry } from '../registry.ts';
import { NO_SCHEDULES, type Schedules } from '../schedule.ts';
import type { Tracer } from '../tracer.ts';
import type { Urls } from '../urls.ts';
import { type Webhooks, createWebhookService } from '../webhook/webhook-service.ts';
import { createAddWithin, createDepthLimit } from './depth-limit.ts';
import { type FollowedJob, type JobWait, MAX_WAIT_SECONDS, listenForEnd, watchJob } from './follow.ts';
import { createBulkService } from './bulk.ts';
import { createJobLists } from './job-lists.ts';
import { createJobTypeService } from './job-types.ts';
import { createRetryAfterEstimator } from './retry-after.ts';
import type { JobService } from './service.ts';
import { createSubmit } from './submit.ts';
import { traceSubmit } from './trace-submit.ts';

/** Deadline for reading a resource, in milliseconds. */
const RESOURCE_MS = 1500;
/** Inputs that are read at a time, for all callers: each may be large, and others wait for the store behind them. */
const MAX_INPUT_READS = 4;
/** Jobs whose deliveries are read at a time, for all callers: a page of a list may ask for those of each. */
const MAX_DELIVERY_READS = 4;
/** Suggested wait before the next read of it. */
const RETRY_AFTER_SECONDS = 1;

export interface JobServiceOptions {
  readonly registry: Registry;
  readonly queue: JobQueue;
  readonly events: JobEvents;
  readonly jobIds: JobIds;
  readonly jobKeys: JobKeys;
  /** @default for types without schedules */
  readonly schedules?: Schedules;
  readonly use: Use;
  /** Undefined where no job type has any. */
  readonly files?: Files | undefined;
  readonly logger: Logger;
  /** @default submissions with a webhook are refused */
  readonly webhooks?: Webhooks | undefined;
  /** @default counts nothing */
  readonly metrics?: Metrics | undefined;
  /** Undefined: submissions are not recorded. */
  readonly tracer?: Tracer | undefined;
  /** Waiting jobs of each type beyond which submissions are refused. */
  readonly maxDepth: number;
  /** Waiting jobs of each caller beyond which its submissions are refused; undefined: no such limit. */
  readonly maxCallerDepth?: number | undefined;
  /** Aborted at shutdown: waits and watches end. */
  readonly stopping: AbortSignal;
  /** Whether an error means that a store could not be reached, so that another try may succeed. */
  isConnectionError(error: unknown): boolean;
}

export function createJobService(options: JobServiceOptions): JobService {
  const { registry, queue, events, jobIds, jobKeys, use, files, logger, maxDepth, maxCallerDepth, stopping } = options;
  const { isConnectionError, metrics = NO_METRICS, schedules = NO_SCHEDULES, webhooks } = options;
  const estimator = createRetryAfterEstimator(queue, logger);
  const depthLimit = createDepthLimit(queue, maxDepth, logger, (type, isFull) => {
    if (isFull) logger.warn({ type, maxDepth }, 'the queue of a job type is full; submissions are refused');
    else logger.info({ type }, 'the queue of a job type has room again');
  });
  const callerLimit = maxCallerDepth === undefined ? undefined : limitCallers(maxCallerDepth);

  function limitCallers(max: number) {
    return { max, limit: createDepthLimit({ readDepth: queue.readCallerDepth }, max, logger) };
  }

  const isExpired = (job: Job): boolean => isDone(job) && job.expiresAt.getTime() <= queue.now(job.type);
  const isVisible = (job: Job, caller: Caller): boolean => canSee(caller, job) && !isExpired(job);

  async function read(id: string, caller: Caller): Promise<Job | undefined> {
    requireJobAccess(caller, id, 'read');
    return look(id, caller);
  }

  function hasQueue(type: string | undefined): type is string {
    return type !== undefined && (registry.get(type) !== undefined || queue.has(type));
  }

  /** Reads a job that the caller may see, without checking scopes. */
  async function see(id: string, caller: Caller): Promise<Job | undefined> {
    const type = typeOfJobId(id);
    const job = hasQueue(type) ? await queue.read(id, type) : undefined;
    return job !== undefined && isVisible(job, caller) ? job : undefined;
  }

  /**
   * The same.
   * @throws ServiceError `expired`, for a job that the caller could see until it expired
   */
  async function look(id: string, caller: Caller): Promise<Job | undefined> {
    const type = typeOfJobId(id);
    if (!hasQueue(type)) return undefined;
    const job = await queue.read(id, type);
    const isSeen = job !== undefined && canSee(caller, job);
    if (isSeen && !isExpired(job)) return job;
    if (isSeen || (await jobIds.hasExpired(id, caller))) throw jobExpired();
    return undefined;
  }

  async function find(id: string, caller: Caller, scope: Scope): Promise<Job> {
    requireJobAccess(caller, id, scope);
    const job = await look(id, caller);
    if (job === undefined) throw jobNotFound();
    return job;
  }

  /** Logs what an admin does with a job of another caller. */
  function audit<T extends Pick<Job, 'id' | 'caller'> | undefined>(action: string, job: T, caller: Caller): T {
    if (job !== undefined && caller.kind === 'principal' && caller.id !== job.caller)
      logger.info({ action, caller: caller.id, jobId: job.id, owner: job.caller }, AUDIT);
    return job;
  }

  async function* auditWatch(states: AsyncGenerator<Job, void, void>, caller: Caller): AsyncGenerator<Job, void, void> {
    let isLogged = false;
    for await (const job of states) {
      if (!isLogged) audit('read', job, caller);
      isLogged = true;
      yield job;
    }
  }

  const follow = (id: string, caller: Caller): FollowedJob => ({
    id,
    events,
    read: () => read(id, caller),
    isVisible: (job) => isVisible(job, caller),
  });

  function filesOf({ type: name }: Job, side: JobSide) {
    const type = files && registry.get(name);
    return type && filesIn(type[side]);
  }

  function show(job: Job, side: JobSide, value: unknown, urls: Urls): unknown {
    const map = filesOf(job, side);
    return map === undefined || files === undefined ? value : files.withUrls(job, map, value, urls);
  }

  const addWithin = createAddWithin({ depthLimit, callerLimit, estimator });
  const submit = createSubmit({ queue, jobIds, addWithin, files, logger, metrics, webhooks, see });
  const accept = traceSubmit(submit, options.tracer);
  const untilStopping = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, stopping]);
  const watchStates = (id: string, caller: Caller, signal: AbortSignal, onOutput?: () => void) => {
    const states = watchJob(follow(id, caller), signal, onOutput);
    return isAdmin(caller) ? auditWatch(states, caller) : states;
  };

  return {
    registry,
    stopping,
    ...createJobLists({ registry, queue, events, logger, isExpired, see, untilStopping }),
    ...createJobTypeService({ registry, queue, schedules, logger }),
    ...createBulkService({ registry, submit: accept, logger }),
    ...createWebhookService({
      webhooks: webhooks && {
        ...webhooks,
        deliveries: { ...webhooks.deliveries, read: limitConcurrency(MAX_DELIVERY_READS, webhooks.deliveries.read) },
      },
      logger,
      find: (id, caller) => find(id, caller, 'submit'),
    }),
    ...createBatchService({
      queue,
      jobIds,
      events,
      estimator,
      logger,
      isType: hasQueue,
      isExpired,
      submitBatch: createSubmitBatch({
        queue,
        jobIds,
        addWithin,
        files,
        logger,
        metrics,
        tracer: options.tracer,
        webhooks,
        isExpired,
      }),
      untilStopping,
    }),
    ...createOutputService({ queue, events, jobIds, isType: hasQueue, watchStates, audit, untilStopping }),

    async read(id, caller) {
      return audit('read', await read(id, caller), caller);
    },

    submit: (submission) => accept(submission),

    async submitAndWait(submission, seconds, signal) {
      let wait: JobWait | undefined;
      try {
        const submitted = await accept(submission, (id) => {
          const readOwn = () => queue.read(id, submission.type.name);
          wait = listenForEnd({ id, events, read: readOwn, isVisible: (job) => !isExpired(job) });
        });
        const { job } = submitted;
        const later = await unlessUnavailable(() => wait?.until(toMs(seconds), untilStopping(signal), job));
        return { ...submitted, job: later ?? job };
      } finally {
        wait?.close();
      }
    },

    async wait(id, caller, seconds, signal) {
      if (seconds <= 0) return audit('read', await read(id, caller), caller);
      const wait = listenForEnd(follow(id, caller));
      try {
        return audit('read', await wait.until(toMs(seconds), untilStopping(signal)), caller);
      } finally {
        wait.close();
      }
    },

    watch: (id, caller, signal) => watchStates(id, caller, untilStopping(signal)),

    async cancel(id, caller, check) {
      const job = await find(id, caller, 'submit');
      check?.(job);
      audit('cancel', job, caller);
      const canceled = isDone(job) ? job : ((await queue.cancel(job)) ?? (await see(id, caller)));
      // Another request may have canceled it before.
      if (canceled !== undefined && (!isDone(canceled) || canceled.status === 'Canceled')) return canceled;
      throw new ServiceError('not-cancelable', 'The job is already done.');
    },

    async retry(id, caller, check) {
      const principal = requireScope(caller, 'submit');
      const job = await find(id, principal, 'submit');
      check?.(job);
      audit('retry', job, caller);
      const attempts = registry.get(job.type)?.attempts ?? 1;
      // The job is not read again, because a quick one may have run and ended by then.
      const retried = await queue.retry(job, attempts);
      if (retried === undefined) {
        throw new ServiceError('not-retryable', 'Only a job that failed or was canceled can be retried.');
      }
      return retried;
    },

    async ownerOf(id) {
      const type = typeOfJobId(id);
      if (type === undefined || registry.get(type) === undefined) return undefined;
      return (await queue.read(id, type))?.caller;
    },

    readInput: limitConcurrency(MAX_INPUT_READS, (job: Job) => queue.readInput(job.id, job.type)),

    files,

    async createUpload(upload, caller, urls) {
      if (files === undefined) throw new ServiceError('not-found', 'No job type takes a file.');
      return files.createUpload(upload, caller, urls);
    },

    showResult: (job, urls) => show(job, 'result', job.result, urls),
    showInput: (job, input, urls) => show(job, 'input', input, urls),
    resultVersion: (job) => (filesOf(job, 'result') === undefined ? undefined : urlWindow()),

    accessToken: jobKeys.issue,

    retryAfter: (job) => estimator.estimate(job),

    queuePosition: (job) => estimator.estimatePosition(job),

    async findResource(type, id, caller) {
      requireScope(caller, 'read');
      if (type.resource === undefined)
        throw new ServiceError('not-found', `Jobs of type ${type.name} have no resource.`);
      // PostgreSQL cannot store such an id, and would fail to look for it.
      if (findUnstorableText(id).length > 0) return undefined;
      try {
        return await withDeadline(type.resource.find(id, use), RESOURCE_MS);
      } catch (cause) {
        if (!(cause instanceof DeadlineError) && !isConnectionError(cause)) throw cause;
        throw new ServiceError(
          'service-unavailable',
          `The ${type.name} cannot be read at the moment. Try again later.`,
          {
            retryAfter: RETRY_AFTER_SECONDS,
            cause,
          },
        );
      }
    },
  };
}

/** The job was accepted already, so an unavailable queue must not turn the reply into an error. */
async function unlessUnavailable<T>(ask: () => Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isQueueUnavailable(error)) return undefined;
    throw error;
  }
}

/** Runs a few calls at a time; the others wait for their turn, in order. */
function limitConcurrency<Argument, Result>(
  max: number,
  call: (argument: Argument) => Promise<Result>,
): (argument: Argument) => Promise<Result> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (argument) => {
    if (running === max) await new Promise<void>((resolve) => void waiting.push(resolve));
    else running += 1;
    try {
      return await call(argument);
    } finally {
      // The next one takes this one's place.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

function toMs(seconds: number): number {
  return Math.min(seconds, MAX_WAIT_SECONDS) * 1000;
}
