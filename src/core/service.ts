import type { JobType } from './define-job.ts';
import { ServiceError } from './errors.ts';
import { newJobId, typeOfJobId } from './job-id.ts';
import { type Job, isDone } from './job.ts';
import { parseInput } from './parse-input.ts';
import type { JobQueue, Logger } from './ports.ts';
import type { Use } from './provider.ts';
import type { Registry } from './registry.ts';

/** Everything the faces can ask for: the one place both call. */
export interface JobService {
  readonly registry: Registry;
  /**
   * Accepts a job. When this resolves, the queue has it.
   * @throws ServiceError `invalid-input`, `queue-unavailable`
   */
  submit(type: JobType, input: unknown, requestId: string): Promise<Job>;
  /**
   * Resolves to undefined for an id that no job has, or whose job has expired.
   * @throws ServiceError `queue-unavailable`
   */
  read(id: string): Promise<Job | undefined>;
  /** A job's input, as it was sent. */
  readInput(job: Job): Promise<unknown>;
  /**
   * Resolves to undefined if there is none with this id.
   * @throws ServiceError `not-found`, if the job type makes no resource
   */
  findResource(type: JobType, id: string): Promise<unknown>;
}

export interface JobServiceOptions {
  readonly registry: Registry;
  readonly queue: JobQueue;
  readonly use: Use;
  readonly logger: Logger;
}

export function createJobService({ registry, queue, use, logger }: JobServiceOptions): JobService {
  return {
    registry,

    async submit(type, input, requestId) {
      parseInput(type.strictInput, input);
      const job = await queue.add({
        id: newJobId(type.name),
        type: type.name,
        createdAt: new Date(),
        maxAttempts: type.attempts,
        backoffMs: type.backoffSeconds * 1000,
        input,
        requestId,
      });
      logger.debug({ requestId, jobId: job.id, type: job.type }, 'job accepted');
      return job;
    },

    async read(id) {
      const type = typeOfJobId(id);
      if (type === undefined || registry.get(type) === undefined) return undefined;
      const job = await queue.read(id, type);
      if (job === undefined || (isDone(job) && job.expiresAt.getTime() <= Date.now())) return undefined;
      return job;
    },

    readInput: (job) => queue.readInput(job.id, job.type),

    async findResource(type, id) {
      if (type.resource === undefined) throw new ServiceError('not-found', `${type.name} makes no resource`);
      return type.resource.find(id, use);
    },
  };
}
