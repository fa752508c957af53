import { z } from 'zod';
import type { Urls } from '../urls.ts';
import { type Batch, isBatchDone, tagOfBatch, totalOf } from './batch.ts';

const count = z.int().min(0);

const batchCountsSchema = z
  .object({ pending: count, running: count, succeeded: count, failed: count, canceled: count })
  .meta({ id: 'JobBatchCounts', description: 'How many jobs of a batch have each status.' });

/** A batch as both APIs show it. */
export const batchViewSchema = z
  .object({
    id: z.string().describe('Opaque, and the same on both APIs.'),
    type: z.string().describe('The name of the job type.'),
    tag: z.string().describe('The tag that the jobs of the batch share, by which lists can be filtered.'),
    createdAt: z.date(),
    total: z.int().min(1).describe('How many jobs it has; those that have expired no longer count.'),
    counts: batchCountsSchema,
    done: z.boolean().describe('Whether all of its jobs are done.'),
    percentComplete: z.int().min(0).max(100).describe('The share of its jobs that are done, rounded down.'),
    statusUrl: z.url().describe('The URL to poll.'),
    resultsUrl: z.url().describe('The URL of the results of its jobs, in the order of the items.'),
    retryAfter: z.int().min(1).nullable().describe('Seconds a poller should wait; null when all jobs are done.'),
  })
  .meta({ id: 'JobBatch', description: 'The jobs that one request submitted together.' });

export type BatchView = Readonly<z.output<typeof batchViewSchema>>;

/** @param retryAfter seconds that a poller should wait */
export function toBatchView(batch: Batch, urls: Urls, retryAfter: number | null): BatchView {
  const { id, type, createdAt, counts } = batch;
  const total = totalOf(counts);
  return {
    id,
    type,
    tag: tagOfBatch(id),
    createdAt,
    total,
    counts,
    done: isBatchDone(batch),
    percentComplete: Math.floor(((total - counts.pending - counts.running) / total) * 100),
    statusUrl: urls.batch(id),
    resultsUrl: urls.batchResults(id),
    retryAfter,
  };
}
