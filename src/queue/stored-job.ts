/**
 * All that a store keeps of a job, in the form that every store takes. JSON stays text, and times are milliseconds since 1970. A job of
 * another program's flow is not among them: it is of no use without the others.
 */
export interface StoredJob {
  readonly id: string;
  readonly caller: string;
  /** One that was running waits: its worker is gone. */
  readonly state: 'waiting' | 'delayed' | 'completed' | 'failed';
  /** JSON of `JobData`. */
  readonly data: string;
  /** JSON of BullMQ's job options. */
  readonly options: string;
  /** The highest runs first. Other programs' may be negative. */
  readonly priority: number;
  readonly delayMs: number;
  /** When a delayed job is to run. */
  readonly dueAt: number | null;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  /** Whether it was canceled while it ran. */
  readonly marked: boolean;
  /** JSON. */
  readonly result: string | null;
  readonly failedReason: string | null;
  /** JSON of BullMQ's stack traces. */
  readonly traces: string | null;
  /** JSON. */
  readonly progress: string | null;
  readonly attemptsMade: number;
  readonly maxAttempts: number;
  /** How many workers it has lost. */
  readonly stalledCount: number;
}

/** A part of a type's jobs. Those that wait come in the order in which they are to run, after those that were running. */
export interface StoredJobs {
  readonly jobs: readonly StoredJob[];
  /** How many were left out, as parts of flows. */
  readonly omitted: number;
  /** Where the next part begins; undefined after the last one. */
  readonly next: string | undefined;
}

/** How many characters a store takes to write it. */
export function sizeOf({ data, result, traces }: StoredJob): number {
  return data.length + (result?.length ?? 0) + (traces?.length ?? 0);
}
