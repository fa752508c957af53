import { z } from 'zod';
import { jobStatusSchema } from '../../core/job.ts';
import { DEFAULT_PAGE_SIZE, cursorSchema, pageSizeTextSchema } from '../../core/service/list-page.ts';
import { parseInput } from '../../core/input/parse-input.ts';
import type { JobFilter } from '../../core/service/service.ts';

const STATUSES = new Map(jobStatusSchema.options.map((status) => [status.toLowerCase(), status]));

/** `status=Failed&status=Canceled`, or `status=Failed,Canceled`; case-insensitive. */
const statusesSchema = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => [value].flat().flatMap((part) => part.split(',')))
  .transform((names) => names.map((name) => STATUSES.get(name.trim().toLowerCase()) ?? name))
  .pipe(z.array(jobStatusSchema));

const listOptionsSchema = z.object({
  type: z.string().optional(),
  status: statusesSchema.optional(),
  limit: pageSizeTextSchema.default(DEFAULT_PAGE_SIZE),
  cursor: cursorSchema.optional(),
});

/** @throws ServiceError `invalid-input` that names the parameter */
export function readListOptions(query: unknown): JobFilter {
  const { type, status, limit, cursor } = parseInput(listOptionsSchema, query);
  return { type, statuses: status, limit, after: cursor };
}
