import {
  type MinimalJob,
  QueueKeys,
  RedisConnection,
  RedisQueueBackend,
  Worker,
  createIORedisClient,
  raw2NextJobData,
} from 'bullmq';
import type { BullmqConsumer, ConsumerOptions, JobProcessor } from './backend.ts';
import { endOfTurn } from './end-of-turn.ts';
import { CANCELED, type JobData } from './job-record.ts';
import type { RedisClient } from './redis-client.ts';
import type { IndexSet } from './redis-index.ts';
import { FINISH_JOB, TAKE_JOB } from './redis-worker-scripts.ts';

const TAKE = 'accepted:take';
const FINISH = 'accepted:finish';

/** The next job: its fields, or 0, its id, two of BullMQ's delays, and whether there may be others. */
type Next = readonly [fields: readonly string[] | 0, id: string | 0, limit: number, delay: number, others: 0 | 1];

type Finished = Awaited<ReturnType<RedisQueueBackend['moveToCompleted']>>;

/** How a job ends. */
interface End {
  readonly token: string;
  readonly fetchNext: boolean;
  readonly target: 'completed' | 'failed';
  readonly property: 'returnvalue' | 'failedReason';
  readonly value: string;
  readonly set: IndexSet;
  /** As JSON; nothing: as they are. */
  readonly traces: string;
}

/** BullMQ's backend, but for how a worker takes jobs and ends them. */
class WorkerBackend extends RedisQueueBackend {
  readonly #prefix: string;
  readonly #lockDuration: number;
  /** The last answer said that no other job waits. */
  #nothingWaits = false;

  /** @param lockDuration milliseconds */
  constructor(lockDuration: number, ...of: ConstructorParameters<typeof RedisQueueBackend>) {
    super(...of);
    this.#prefix = this.toKey('');
    this.#lockDuration = lockDuration;
  }

  /** BullMQ asks for another job before it runs the one it has; where the store has said that there is none, it need not be asked. */
  override async moveToActive(token: string): Promise<unknown[]> {
    if (this.#nothingWaits) {
      this.#nothingWaits = false;
      return [];
    }
    return this.#toJob(await this.#run(TAKE, Date.now(), token, this.#lockDuration));
  }

  override async waitForJob(seconds: number): ReturnType<RedisQueueBackend['waitForJob']> {
    this.#nothingWaits = false;
    // The end of the job before leaves first: somebody waits for that.
    await endOfTurn();
    return super.waitForJob(seconds);
  }

  override async moveToCompleted(
    ...[job, result, , token, fetchNext]: Parameters<RedisQueueBackend['moveToCompleted']>
  ): Promise<Finished> {
    // A function that returns nothing comes to null.
    const value = JSON.stringify(result ?? null);
    const end = { target: 'completed', property: 'returnvalue', set: 'Succeeded' } as const;
    return this.#finish(job, { ...end, token, fetchNext, value, traces: '' });
  }

  override async moveToFailed(
    ...[job, value, , token, fetchNext, fields]: Parameters<RedisQueueBackend['moveToFailed']>
  ): Promise<Finished> {
    const traces = String(fields?.['stacktrace'] ?? '');
    const end = {
      target: 'failed',
      property: 'failedReason',
      set: value === CANCELED ? 'Canceled' : 'Failed',
    } as const;
    return this.#finish(job, { ...end, token, fetchNext, value, traces });
  }

  async #finish({ id = '', opts }: MinimalJob, end: End): Promise<Finished> {
    const { token, fetchNext, target, property, value, set, traces } = end;
    const finishedOn = Date.now();
    const next = fetchNext && this.queue.closing === undefined ? 1 : 0;
    const of = [target, property, value, set, opts.attempts ?? 1, traces];
    const reply = await this.#run(FINISH, id, finishedOn, token, this.#lockDuration, next, ...of);
    if (typeof reply === 'number' && reply < 0) {
      throw this.finishedErrors({ code: reply, jobId: id, command: 'moveToFinished', state: 'active' });
    }
    return { result: this.#toJob(reply), finishedOn };
  }

  async #run(command: string, ...args: (string | number)[]): Promise<Next | number> {
    const client = await this.queue.client;
    return client.runCommand(command, [this.#prefix, ...args]);
  }

  #toJob(reply: Next | number): unknown[] {
    if (typeof reply === 'number') return [];
    const [fields, , , , others] = reply;
    this.#nothingWaits = fields !== 0 && others === 0;
    return raw2NextJobData([...reply]);
  }
}

export interface RedisConsumerOptions {
  readonly client: RedisClient;
  /** What every key begins with. */
  readonly prefix: string;
  readonly queueName: string;
  readonly skipVersionCheck: boolean;
  onError(error: Error): void;
}

export function createRedisConsumer(
  { client, prefix, queueName, skipVersionCheck, onError }: RedisConsumerOptions,
  processor: JobProcessor,
  { onFailed, onRenewed, onLost, ...options }: ConsumerOptions,
): BullmqConsumer {
  client.defineCommand(TAKE, { numberOfKeys: 1, lua: TAKE_JOB });
  client.defineCommand(FINISH, { numberOfKeys: 1, lua: FINISH_JOB });
  const worker = new Worker<JobData, unknown, string, WorkerBackend>(
    queueName,
    processor,
    { ...options, connection: client, prefix },
    (name, opts) => {
      const keys = new QueueKeys(prefix);
      const connection = new RedisConnection(client, { shared: true, blocking: false, skipVersionCheck });
      // What is sent after a command that waits would wait as well. The name is the one that BullMQ knows workers by.
      const connectionName = `${prefix}:${Buffer.from(name).toString('base64')}`;
      const waiting = new RedisConnection(createIORedisClient(client).duplicate({ connectionName }), {
        shared: false,
        blocking: true,
        skipVersionCheck,
      });
      return new WorkerBackend(
        options.lockDuration,
        connection,
        name,
        keys.getKeys(name),
        (key) => keys.toKey(name, key),
        opts,
        waiting,
      );
    },
  );
  worker.on('error', onError);
  worker.on('locksRenewed', ({ jobIds }) => onRenewed(jobIds));
  worker.on('lockRenewalFailed', onLost);
  worker.on('failed', (job) => job && onFailed(job));
  return worker;
}
