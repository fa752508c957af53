import { randomBytes } from 'node:crypto';
import { type Job, Queue } from 'bullmq';
import { ATTEMPTS, type CustomerInput, parseInput } from './customers.ts';
import { type Reply, type Status, toReply } from './reply.ts';
import { setting } from './serve.ts';

const STATUSES: Readonly<Record<string, Status>> = { active: 'Running', completed: 'Succeeded', failed: 'Failed' };

const queue = new Queue<CustomerInput>('customer', { connection: { url: setting('QUEUE_URL') } });
await queue.waitUntilReady();

/** Validates the input and adds a job with a random id of 128 bits. */
export async function submit(body: unknown, base: string): Promise<Reply> {
  const input = parseInput(body);
  const options = { jobId: randomBytes(16).toString('base64url'), attempts: ATTEMPTS };
  return describe(await queue.add('customer', input, options), 'waiting', base);
}

/** Reads a job as BullMQ's guide does; undefined if there is none. */
export async function read(id: string, base: string): Promise<Reply | undefined> {
  const job: Job<CustomerInput> | undefined = await queue.getJob(id);
  return job && describe(job, await job.getState(), base);
}

function describe(job: Job<CustomerInput>, state: string, base: string): Reply {
  return toReply(
    {
      id: job.id ?? '',
      status: STATUSES[state] ?? 'Pending',
      attempt: job.attemptsMade,
      createdAt: job.timestamp,
      startedAt: job.processedOn,
      finishedAt: job.finishedOn,
      result: job.returnvalue,
    },
    base,
  );
}
