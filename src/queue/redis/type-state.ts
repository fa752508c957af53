import { z } from 'zod';
import { HISTORY_MINUTES, type JobTypeState, SAMPLED_RUNS } from '../../core/job-type-stats.ts';
import { toTypeState, typeReadSchema } from '../type-state.ts';
import type { RedisClient } from './client.ts';
import { prefixOf } from './names.ts';
import { SCRIPTS, runScript } from './scripts.ts';

const { runs, minutes, hours } = typeReadSchema.shape;
/** The reply of `read-type.lua`, in which Lua's `false` is null. */
const replySchema = z.tuple([
  z.number(),
  z.number(),
  z.number().nullable(),
  runs,
  minutes,
  hours,
  z.tuple([z.number(), z.number(), z.number(), z.number(), z.number(), z.number()]),
]);

export async function readTypeState(client: RedisClient, type: string): Promise<JobTypeState> {
  const reply = await runScript(client, SCRIPTS.readType, prefixOf(type), SAMPLED_RUNS, HISTORY_MINUTES);
  const [now, paused, oldestReadyAt, ofRuns, ofMinutes, ofHours, counts] = replySchema.parse(reply);
  const [pending, running, completed, failed, canceledCompleted, canceledFailed] = counts;
  return toTypeState(
    { now, paused: paused === 1, oldestReadyAt, runs: ofRuns, minutes: ofMinutes, hours: ofHours },
    {
      pending,
      running,
      succeeded: Math.max(0, completed - canceledCompleted),
      failed: Math.max(0, failed - canceledFailed),
      canceled: canceledCompleted + canceledFailed,
      exact: true,
    },
  );
}
