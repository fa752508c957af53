import { type JobProgress, type MinimalJob, RedisQueueBackend, raw2NextJobData } from 'bullmq';
import { endOfTurn } from '../end-of-turn.ts';
import { CANCELED } from '../job-record.ts';
import type { IndexSet } from './list.ts';
import { type WorkerScript, nameOf } from './worker-scripts.ts';

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

/** BullMQ's backend, but that a worker takes jobs and ends them by scripts of ours, and tells those who follow a job of its changes. */
export class RedisWorkerBackend extends RedisQueueBackend {
  readonly #prefix: string;
  readonly #lockDuration: number;
  /** The last answer said that no other job waits. */
  #nothingWaits = false;
  /** The end of a job that Redis has not answered yet. */
  #finishing: Promise<unknown> | undefined;

  /** @param lockDuration milliseconds */
  constructor(lockDuration: number, ...of: ConstructorParameters<typeof RedisQueueBackend>) {
    super(...of);
    this.#prefix = this.toKey('');
    this.#lockDuration = lockDuration;
  }

  /** BullMQ asks for another job before it runs the one it has; where the store has said that there is none, it need not be asked. */
  override async moveToActive(token: string): Promise<unknown[]> {
    if (!this.#nothingWaits) return this.#take(token);
    this.#nothingWaits = false;
    return [];
  }

  override async waitForJob(seconds: number): ReturnType<RedisQueueBackend['waitForJob']> {
    this.#nothingWaits = false;
    // Somebody may wait for the end of the job before: it goes first, and has Redis for itself.
    await endOfTurn();
    await this.#finishing;
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

  override async moveToDelayed(
    ...[id, timestamp, delay, token = '', { fetchNext, ...options } = {}]: Parameters<
      RedisQueueBackend['moveToDelayed']
    >
  ): Promise<unknown[] | undefined> {
    await super.moveToDelayed(id, timestamp, delay, token, { ...options, fetchNext: false });
    this.#tellWaiting(id);
    return fetchNext === true ? this.#take(token) : undefined;
  }

  override async retryJob(...of: Parameters<RedisQueueBackend['retryJob']>): Promise<void> {
    await super.retryJob(...of);
    this.#tellWaiting(of[0]);
  }

  override async moveJobFromActiveToWait(id: string, token?: string): Promise<number> {
    const answer: number = await super.moveJobFromActiveToWait(id, token);
    this.#tellWaiting(id);
    return answer;
  }

  override async moveStalledJobsToWait(): Promise<string[]> {
    const ids = await super.moveStalledJobsToWait();
    for (const id of ids) this.#tellWaiting(id);
    return ids;
  }

  override async updateProgress(id: string, progress: JobProgress): Promise<void> {
    const reply = await this.#run('updateProgress', id, JSON.stringify(progress));
    if (reply === -1) throw this.finishedErrors({ code: reply, jobId: id, command: 'updateProgress' });
  }

  /** Whoever does not hear of it reads the job before long. */
  #tellWaiting(id: string): void {
    this.#run('tellWaiting', id).catch(() => undefined);
  }

  async #take(token: string): Promise<unknown[]> {
    return this.#toJob(await this.#run('takeJob', Date.now(), token, this.#lockDuration));
  }

  async #finish({ id = '', opts }: MinimalJob, end: End): Promise<Finished> {
    const { token, fetchNext, target, property, value, set, traces } = end;
    const finishedOn = Date.now();
    const next = fetchNext && this.queue.closing === undefined ? 1 : 0;
    const of = [target, property, value, set, opts.attempts ?? 1, traces];
    const answer = this.#run('finishJob', id, finishedOn, token, this.#lockDuration, next, ...of);
    this.#finishing = answer.catch(() => undefined);
    const reply = await answer;
    if (typeof reply === 'number' && reply < 0) {
      throw this.finishedErrors({ code: reply, jobId: id, command: 'moveToFinished', state: 'active' });
    }
    return { result: this.#toJob(reply), finishedOn };
  }

  async #run(script: WorkerScript, ...args: (string | number)[]): Promise<Next | number> {
    const client = await this.queue.client;
    return client.runCommand(nameOf(script), [this.#prefix, ...args]);
  }

  #toJob(reply: Next | number): unknown[] {
    if (typeof reply === 'number') return [];
    const [fields, , , , others] = reply;
    this.#nothingWaits = fields !== 0 && others === 0;
    return raw2NextJobData([...reply]);
  }
}
