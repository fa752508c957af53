import { z } from 'zod';
import { HISTORY_MINUTES, type JobTypeState, SAMPLED_RUNS } from '../../core/job-type-stats.ts';
import { toTypeState, typeReadSchema } from '../type-state.ts';
import { STATEMENTS, type Statement } from './statements.ts';

const count = z.number();
/** Null where the count is exact. */
const estimate = z.number().nullable();
const rowSchema = typeReadSchema.extend({
  counted: z.object({ pending: count, running: count, succeeded: count, failed: count, canceled: count }),
  estimated: z.object({ pending: estimate, succeeded: estimate, failed: estimate, canceled: estimate }),
});

/**
 * @param runPrepared runs a statement that the server plans once for each connection
 * @param maxCounted jobs of one status that are counted one by one
 */
export async function readTypeState(
  runPrepared: (statement: Statement, parameters: unknown[]) => Promise<readonly unknown[]>,
  type: string,
  maxCounted: number,
): Promise<JobTypeState> {
  const [row] = await runPrepared(STATEMENTS.readType, [type, SAMPLED_RUNS, HISTORY_MINUTES, maxCounted]);
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
