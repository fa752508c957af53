/** Which jobs a list has, and the parts of its filter that both APIs read alike. */
import { z } from 'zod';
import type { JobStatus } from '../job.ts';

/** A job matches when every member that is given holds. */
export interface JobFilter {
  /** Name of a job type. */
  readonly type?: string | undefined;
  /** Any of these; none: any status. */
  readonly statuses?: readonly JobStatus[] | undefined;
  /** Id of the caller that submitted the job. */
  readonly caller?: string | undefined;
  /** One of the job's tags. */
  readonly tag?: string | undefined;
  /** Created at this time or later. */
  readonly createdAfter?: Date | undefined;
  /** Created before this time, so that two periods with a common end share no job. */
  readonly createdBefore?: Date | undefined;
}

/** What cannot be a caller's id is refused, since it would match nothing. The id is part of key names in the stores. */
export const callerIdSchema = z
  .string()
  .regex(/^[ -~]{1,140}$/, 'Invalid caller: expected 1 to 140 printable ASCII characters');

export const timeSchema = z.iso
  .datetime({ offset: true, error: 'Invalid time: expected one such as 2026-03-01T12:00:00Z (RFC 3339)' })
  .transform((text) => new Date(text));

interface Period {
  readonly createdAfter?: Date | null | undefined;
  readonly createdBefore?: Date | null | undefined;
}

/** A period that ends before it begins is a mistake; one that ends where it begins has no jobs. */
export function isPeriod({ createdAfter, createdBefore }: Period): boolean {
  return createdAfter == null || createdBefore == null || createdAfter <= createdBefore;
}

export const NOT_A_PERIOD = {
  path: ['createdBefore'],
  error: 'Invalid period: expected a time that is not before createdAfter',
};
