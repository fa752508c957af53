/** A batch: jobs of one type that one request submitted together. The store knows it by the tag that they share. */

/** The most items of one request. */
export const MAX_BATCH_ITEMS = 1000;
/** How the tags begin that no submission may set. */
export const BATCH_TAG_PREFIX = 'batch:';

/** How many jobs of a batch have each status. */
export interface BatchCounts {
  readonly pending: number;
  readonly running: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly canceled: number;
}

/** The jobs of a batch that have not expired; at least one. */
export interface Batch {
  readonly id: string;
  /** Name of the job type. */
  readonly type: string;
  /** Id of the caller that submitted it. */
  readonly caller: string;
  readonly createdAt: Date;
  readonly counts: BatchCounts;
}

export function totalOf({ pending, running, succeeded, failed, canceled }: BatchCounts): number {
  return pending + running + succeeded + failed + canceled;
}

/** Whether all jobs are done. */
export function isBatchDone({ counts: { pending, running } }: Batch): boolean {
  return pending + running === 0;
}

/** Identifies one state of a batch. */
export function versionOfBatch({ counts: { pending, running, succeeded, failed, canceled } }: Batch): string {
  return [pending, running, succeeded, failed, canceled].join('-');
}

/** The tag that the jobs of a batch share. */
export function tagOfBatch(id: string): string {
  return BATCH_TAG_PREFIX + id;
}
