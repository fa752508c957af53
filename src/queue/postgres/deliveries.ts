/** Deliveries of webhooks on PostgreSQL: see `sql/schema/deliveries.sql`. */
import { z } from 'zod';
import type { DeliveryBackend, DeliveryPlace, TakenDelivery } from '../delivery-backend.ts';
import { type JobRecord, endedRecordSchema } from '../job-record.ts';
import { STATEMENTS, type Statement, toRecord } from './statements.ts';

/** The most receivers, each of one caller, that one statement looks at. */
const MOST_GROUPS = 500;
const MOST_COUNTED = 100_000;

const lookedSchema = z.object({
  groups: z.number(),
  last_caller: z.string().nullable(),
  last_receiver: z.string().nullable(),
  job_id: z.string().nullable(),
});
const takenSchema = z.object({
  queue: z.string(),
  job_id: z.string(),
  ended_at: z.number(),
  caller: z.string(),
  receiver: z.string(),
  due_at: z.number(),
  state: z.string(),
  ended: z.unknown(),
});
const keptSchema = z.object({
  ended_at: z.number(),
  state: z.string(),
  ended: z.unknown(),
  due_at: z.number().nullable(),
});
const countSchema = z.object({ count: z.number() });
const valueSchema = z.object({ value: z.string() });
const rotationSchema = z.object({ caller: z.string(), value: z.string() });

const argsOf = ({ type, jobId, endedAt }: DeliveryPlace) => [type, jobId, endedAt];
/** As the trigger wrote it, or as another store had it. */
const toEnded = (row: unknown): JobRecord | undefined =>
  row == null ? undefined : (endedRecordSchema.safeParse(row).data ?? toRecord(row));

export function createPostgresDeliveries(
  run: (statement: Statement, parameters?: unknown[]) => Promise<readonly unknown[]>,
): DeliveryBackend {
  /** Where the next look begins, so that many receivers that may have no more do not keep others waiting. */
  let after = ['', ''];

  return {
    async take(_types, { most, perReceiver, perCaller, busy, leaseMs }) {
      const limits = [most, perReceiver, perCaller, leaseMs];
      const parameters = [...limits, [...busy.keys()], [...busy.values()], ...after, MOST_GROUPS];
      const rows = await run(STATEMENTS.takeDeliveries, parameters);
      const looked = lookedSchema.parse(rows[0]);
      after = [looked.last_caller ?? '', looked.last_receiver ?? ''];
      return looked.job_id === null ? [] : rows.map(toTaken);
    },
    async settle(taken, state, waitMs) {
      const parameters = [...argsOf(taken), taken.leasedUntil, state, waitMs ?? null];
      return (await run(STATEMENTS.settleDelivery, parameters)).length > 0;
    },
    async read({ type, jobId }) {
      const rows = await run(STATEMENTS.readDeliveries, [type, jobId]);
      return rows.map((row) => {
        const { ended_at: endedAt, state, ended, due_at: dueAt } = keptSchema.parse(row);
        return { endedAt, state, ended: toEnded(ended), dueAt };
      });
    },
    async add({ type, jobId, caller, receiver }, kept) {
      const ended = kept.map((each) => (each.ended ? JSON.stringify({ ...each.ended, result: null }) : null));
      const columns = [
        kept.map(({ endedAt }) => endedAt),
        kept.map(({ state }) => state),
        ended,
        kept.map(({ dueAt }) => dueAt),
      ];
      await run(STATEMENTS.addDeliveries, [type, jobId, caller, receiver, ...columns]);
    },
    redeliver: async (place, before, state) =>
      (await run(STATEMENTS.redeliver, [...argsOf(place), before, state])).length > 0,
    count: async () => countSchema.parse((await run(STATEMENTS.countDeliveries, [MOST_COUNTED]))[0]).count,
    async readRotations(caller) {
      const [row] = await run(STATEMENTS.readRotations, [caller]);
      return row === undefined ? undefined : valueSchema.parse(row).value;
    },
    async storeRotations(caller, json) {
      await run(STATEMENTS.storeRotations, [caller, json]);
    },
    async readAllRotations() {
      const rows = await run(STATEMENTS.readAllRotations);
      return new Map(rows.map((row) => rotationSchema.parse(row)).map(({ caller, value }) => [caller, value]));
    },
  };
}

function toTaken(row: unknown): TakenDelivery {
  const taken = takenSchema.parse(row);
  return {
    type: taken.queue,
    jobId: taken.job_id,
    endedAt: taken.ended_at,
    caller: taken.caller,
    receiver: taken.receiver,
    leasedUntil: String(taken.due_at),
    state: taken.state,
    ended: toEnded(taken.ended),
  };
}
