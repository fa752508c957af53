import type { JobRecord } from './job-record.ts';

/** A delivery as a store has it. Times are milliseconds since 1970. */
export interface KeptDelivery {
  readonly endedAt: number;
  /** JSON that says what came of it so far; empty at first. */
  readonly state: string;
  /** The job as it ended; undefined for one that succeeded, which stays as it is. */
  readonly ended: JobRecord | undefined;
  /** When it is to be sent next, or until when a process attempts it; null if it is done. */
  readonly dueAt: number | null;
}

/** One that a process may attempt. */
export interface TakenDelivery extends Omit<KeptDelivery, 'dueAt'> {
  readonly type: string;
  readonly jobId: string;
  readonly caller: string;
  readonly receiver: string;
  /** Until when, as the store wrote it. */
  readonly leasedUntil: string;
}

/** Whose delivery it is. */
export interface DeliveryPlace {
  readonly type: string;
  readonly jobId: string;
  readonly endedAt: number;
  readonly caller: string;
  readonly receiver: string;
}

export interface TakeOptions {
  readonly most: number;
  readonly perReceiver: number;
  readonly perCaller: number;
  /** How many deliveries the process attempts, by caller and by group. */
  readonly busy: ReadonlyMap<string, number>;
  readonly leaseMs: number;
}

/** How one kind of store keeps the deliveries of webhooks: in the step that ends a job, and with that job. */
export interface DeliveryBackend {
  /**
   * Where a job may have ended without its delivery, such deliveries are made within seconds.
   * @param types whose jobs' deliveries are taken, where the store keeps them apart
   */
  take(types: readonly string[], options: TakeOptions): Promise<readonly TakenDelivery[]>;
  /**
   * Keeps what came of an attempt.
   * @param waitMs until it is due again; undefined: it is done
   * @returns false if another process has taken it since, or its job is gone
   */
  settle(taken: TakenDelivery, state: string, waitMs: number | undefined): Promise<boolean>;
  /** In the order of the ends. */
  read(place: Omit<DeliveryPlace, 'endedAt'>): Promise<readonly KeptDelivery[]>;
  /** @returns false if it is not in this state any more, or a process attempts it */
  redeliver(place: DeliveryPlace, before: string, state: string): Promise<boolean>;
  /** Adds what another store had, unless it is there already. */
  add(place: Omit<DeliveryPlace, 'endedAt'>, kept: readonly KeptDelivery[]): Promise<void>;
  /** How many wait or are being attempted. */
  count(types: readonly string[]): Promise<number>;
  /** @returns JSON */
  readRotations(caller: string): Promise<string | undefined>;
  storeRotations(caller: string, json: string): Promise<void>;
  /** Those of all callers, by their ids. */
  readAllRotations(): Promise<ReadonlyMap<string, string>>;
}
