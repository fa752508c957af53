/** One run of a job's function, as the queue asks for it. */
import type { JobFiles } from '../files/attempt-files.ts';
import type { StoreOutput } from '../output/output-writer.ts';
import type { Logger } from '../ports.ts';
import type { Use } from '../register.ts';
import type { Progress } from './progress.ts';

/** Why a worker ends an attempt: the job was canceled, the worker is shutting down, or another worker may have the job. */
export type Interruption = 'canceled' | 'handed-back' | 'lost';

export interface Attempt {
  readonly id: string;
  /** 1 for the first run. */
  readonly attempt: number;
  /** As the caller sent it. */
  readonly input: unknown;
  readonly use: Use;
  /** Undefined where no job type has any. */
  readonly files?: JobFiles | undefined;
  /** A logger that adds the job's id to each line. */
  log(): Logger;
  /** Calls the listener when the worker ends the attempt; immediately if it already has. @returns unsubscribe */
  onInterruption(listener: (why: Interruption) => void): () => void;
  /** Whether an error of the function means that another system could not be reached, so that nothing is wrong with the job. */
  isConnectionError(error: unknown): boolean;
  /** Never rejects. */
  writeProgress(progress: Progress): Promise<void>;
  /** Whether runs before this one have left output. */
  readonly hasOutput: boolean;
  readonly storeOutput: StoreOutput;
}
