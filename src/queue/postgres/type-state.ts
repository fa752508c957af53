import { z } from 'zod';
import type { JobTypeState } from '../../core/job-type-stats.ts';
import { toTypeState, typeReadSchema } from '../type-state.ts';

const count = z.number();
/** Null where the count is exact. */
const estimate = z.number().nullable();
const rowSchema = typeReadSchema.extend({
  counted: z.object({ pending: count, running: count, succeeded: count, failed: count, canceled: count }),
  estimated: z.object({ pending: estimate, succeeded: estimate, failed: estimate, canceled: estimate }),
});

/** @param row of the statement `readType` */
export function toTypeStateOfRow(row: unknown): JobTypeState {
  const { counted, estimated, ...read } = rowSchema.parse(row);
  return toTypeState(read, {
    pending: Math.max(counted.pending, estimated.pending ?? 0),
    running: counted.running,
    succeeded: Math.max(counted.succeeded, estimated.succeeded ?? 0),
    failed: Math.max(counted.failed, estimated.failed ?? 0),
    canceled: Math.max(counted.canceled, estimated.canceled ?? 0),
    exact: Object.values(estimated).every((value) => value === null),
  });
}
