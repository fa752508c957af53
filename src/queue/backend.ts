import type { JobsOptions, Processor, WorkerOptions } from 'bullmq';
import type { JobData, JobRecord } from './job-record.ts';

/** What is used of BullMQ's `Queue`. */
export interface BullmqProducer {
  waitUntilReady(): Promise<unknown>;
  add(name: string, data: JobData, options: JobsOptions): Promise<unknown>;
  close(): Promise<void>;
}

/** What is used of BullMQ's `Worker`. */
export interface BullmqConsumer {
  close(force?: boolean): Promise<void>;
}

export type JobProcessor = Processor<JobData, unknown>;
export type ConsumerOptions = Omit<WorkerOptions, 'connection' | 'prefix'>;

/** One kind of store under BullMQ. A job type's queue has the type's name. */
export interface QueueBackend {
  /** For people, without credentials. */
  readonly description: string;
  /**
   * Makes the store ready for use; nothing else may be called before. Called again after it failed to reach the store.
   * @throws StartError that names the setting, when the store is there and refuses
   */
  connect(): Promise<void>;
  /** For adding: fails fast when the store is away. */
  createProducer(type: string): BullmqProducer;
  /** For workers: waits for the store to come back. */
  createConsumer(type: string, processor: JobProcessor, options: ConsumerOptions): BullmqConsumer;
  /** One atomic read, in one round trip. */
  readRecord(type: string, id: string): Promise<JobRecord | undefined>;
  readData(type: string, id: string): Promise<unknown>;
  ping(): Promise<void>;
  /** To be called when producers and consumers are closed. */
  close(): Promise<void>;
}
