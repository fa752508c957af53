import { z } from 'zod';
import { CANCELED, type JobRecord } from '../job-record.ts';

/** What `readJob` of common.lua replies: a job's fields in its order, and whether it is locked. */
export type JobReply = readonly [fields: readonly (string | null)[], locks: number];

/** The records that `read-jobs.lua` replied with; undefined for a job that does not exist. */
export function toRecords(type: string, ids: readonly string[], replies: unknown): (JobRecord | undefined)[] {
  // The script's own format; validating it would cost every poll.
  return (replies as readonly JobReply[]).map((reply, index) => toRecord(type, ids[index] ?? '', reply));
}

export function toRecord(type: string, id: string, [fields, locks]: JobReply): JobRecord | undefined {
  const [
    name,
    timestamp,
    processedOn,
    finishedOn,
    returnvalue,
    failedReason,
    defa,
    canceled,
    progress,
    stacktrace,
    atm,
    opts,
  ] = fields;
  if (timestamp == null) return undefined;
  const options = parse(opts);
  const state = finishedOn == null ? (locks > 0 ? 'active' : 'waiting') : returnvalue == null ? 'failed' : 'completed';
  return {
    id,
    type,
    caller: name ?? '',
    state,
    mark: canceled != null && canceled === processedOn ? CANCELED : (defa ?? null),
    progress: parse(progress),
    result: returnvalue ?? null,
    failedReason: failedReason ?? null,
    traces: parse(stacktrace),
    attemptsMade: Number(atm ?? 0),
    maxAttempts: Number(options?.attempts ?? 1),
    retentionMs: Number(options?.retentionMs) || null,
    // `tm` is how BullMQ's own queues write it.
    trace: options?.telemetry?.metadata ?? options?.tm,
    submission: options?.submission,
    hasOutput: options?.output === true,
    expired: options?.expired !== undefined && String(options.expired) === finishedOn,
    createdAt: Number(timestamp),
    startedAt: processedOn == null ? null : Number(processedOn),
    finishedAt: finishedOn == null ? null : Number(finishedOn),
  };
}

const publishedFields = z.array(z.union([z.string(), z.literal(false).transform(() => null)]));

/**
 * The record of a job that succeeded, as `publish-changes.lua` published it: Lua has `false` for a missing field.
 * @throws when the text is something else
 */
export function toPublishedRecord(type: string, id: string, json: string): JobRecord | undefined {
  return toRecord(type, id, [publishedFields.parse(JSON.parse(json)), 0]);
}

function parse(json: string | null | undefined) {
  return json == null ? null : JSON.parse(json);
}
